using CloudState.Knative.Lattices;
using CsCheck;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Lattices;

public sealed class LatticeBytesTests
{
    private const int Unknown = 4000;

    public static TheoryData<string> Malformed =>
    [
        "",
        "no protobuf",
        """{ "context": [1] }""",
        """{ "context": ["1", "0"], "content": { "flag": {} } }""",
        """{ "context": ["4294967296", "1"], "content": { "flag": {} } }""",
        """{ "context": ["1", "9223372036854775808"], "content": { "flag": {} } }""",
        """{ "context": ["2", "1", "1", "1"], "content": { "flag": {} } }""",
        """{ "context": ["1", "1", "1", "2"], "content": { "flag": {} } }""",
        """{ "context": ["1", "1"], "content": {} }""",
        """{ "context": ["1", "1"], "content": { "flag": { "dots": ["1"] } } }""",
        """{ "context": ["1", "1"], "content": { "flag": { "dots": ["1", "2"] } } }""",
        """{ "context": ["1", "1"], "content": { "flag": { "dots": ["2", "1"] } } }""",
        """{ "context": ["1", "1"], "content": { "gcounter": { "dots": ["1", "1"] } } }""",
        """{ "context": ["1", "1"], "content": { "gcounter": { "dots": ["1", "1"], "plus": ["1"], "minus": ["1"] } } }""",
        """{ "context": ["1", "1"], "content": { "pncounter": { "dots": ["1", "1"], "plus": ["1"] } } }""",
        """{ "context": ["1", "1"], "content": { "orset": { "elements": [{ "element": "AQ==" }] } } }""",
        """{ "context": ["1", "1"], "content": { "gset": { "elements": [{ "element": "Ag==", "dots": ["1", "1"] }, { "element": "AQ==", "dots": ["1", "1"] }] } } }""",
        """{ "context": ["1", "1"], "content": { "lwwregister": { "dots": ["1", "1"], "clocks": ["1"] } } }""",
        """{ "context": ["1", "1"], "content": { "vote": { "dots": ["1", "1"], "members": ["AQ=="], "yes": [true] } } }""",
        """{ "context": ["1", "1"], "content": { "vote": { "dots": ["1", "1"], "yes": [true] } } }""",
        """{ "context": ["1", "1"], "content": { "ormap": { "entries": [{ "key": "AQ==" }] } } }""",
        """{ "context": ["1", "1"], "content": { "ormap": { "entries": [{ "key": "AQ==", "variants": [{ "content": { "flag": {} } }] }] } } }""",
        """{ "context": ["1", "1"], "content": { "ormap": { "entries": [{ "key": "AQ==", "variants": [{ "dots": ["1", "1"] }] }] } } }""",
        """
        { "context": ["1", "1"], "content": { "ormap": { "entries": [{ "key": "AQ==", "variants": [
          { "dots": ["1", "1"], "content": { "flag": {} } }, { "dots": ["1", "1"], "content": { "gset": {} } }] }] } } }
        """,
    ];

    public static TheoryData<string> MalformedDeltas =>
    [
        "",
        """{ "seat": "1", "change": { "flag": {} } }""",
        """{ "seat": "1", "number": "1" }""",
        """{ "seat": "1", "number": "2", "seen": ["1", "1"], "change": { "flag": {} } }""",
        """{ "seat": "1", "number": "2", "change": { "gcounter": { "first": "1", "numbers": ["3"], "plus": ["1"] } } }""",
        """{ "seat": "1", "number": "2", "change": { "gcounter": { "first": "1", "numbers": ["2", "1"], "plus": ["1", "1"] } } }""",
        """{ "seat": "1", "number": "2", "change": { "gcounter": { "numbers": ["2"], "plus": ["1"] } } }""",
        """{ "seat": "1", "number": "2", "change": { "gset": { "clear": true } } }""",
        """{ "seat": "1", "number": "2", "change": { "orset": { "added": ["AQ==", "AQ=="] } } }""",
        """{ "seat": "1", "number": "2", "change": { "orset": { "added": ["AQ=="], "removed": ["AQ=="] } } }""",
        """{ "seat": "1", "number": "2", "change": { "vote": {} } }""",
        """{ "seat": "1", "number": "2", "change": { "ormap": { "entries": [{ "key": "AQ==" }] } } }""",
        """{ "seat": "1", "number": "2", "change": { "ormap": { "entries": [{ "key": "AQ==", "updates": [{ "kind": 9 }] }] } } }""",
        """{ "seat": "1", "number": "2", "change": { "ormap": { "entries": [{ "key": "AQ==", "updates": [{ "kind": 1, "change": { "flag": {} } }] }] } } }""",
        """{ "seat": "1", "number": "2", "change": { "ormap": { "entries": [{ "key": "AQ==", "updates": [{ "kind": 6 }, { "kind": 1 }] }] } } }""",
    ];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void MalformedState_IsRefused(string json) => Assert.Throws<InvalidDataException>(() => LatticeBytes.ReadState(BytesOf(StoredState.Parser, json)));

    [Theory]
    [MemberData(nameof(MalformedDeltas))]
    public void MalformedDelta_IsRefused(string json) => Assert.Throws<InvalidDataException>(() => LatticeBytes.ReadDelta(BytesOf(StoredDelta.Parser, json)));

    [Fact]
    public void DamagedBytes_AreReadOrRefused() => Gen.Select(
        Step.Some(Act.Of(Kind.OrMap))[10, 30],
        Gen.Select(Gen.Int[0, 9999], Gen.Byte).Array[1, 3]).Sample((steps, damages) =>
    {
        var world = new World(Kind.OrMap, steps);
        Damage(LatticeBytes.Write(world.Whole), bytes => LatticeBytes.Write(LatticeBytes.ReadState(bytes)));
        foreach (var (_, delta, _) in world.Stored)
        {
            Damage(LatticeBytes.Write(delta), bytes => LatticeBytes.Write(LatticeBytes.ReadDelta(bytes)));
        }

        void Damage(byte[] bytes, Action<byte[]> read)
        {
            foreach (var (at, value) in damages)
            {
                bytes[at % bytes.Length] = value;
            }

            Assert.True(Record.Exception(() => read(bytes)) is null or InvalidDataException);
            Assert.True(Record.Exception(() => read(bytes[..(damages[0].Item1 % bytes.Length)])) is null or InvalidDataException);
        }
    });

    [Fact]
    public void FieldsOfALaterRevision_AreNotRead()
    {
        var one = new Replica(1, Kind.OrMap);
        var delta = one.Do(new Update(1, Kind.ORSet, new AddElement(2)));

        Assert.Equal(LatticeBytes.Write(one.State), LatticeBytes.Write(LatticeBytes.ReadState([.. LatticeBytes.Write(one.State), .. Field])));
        Assert.Equal(LatticeBytes.Write(delta), LatticeBytes.Write(LatticeBytes.ReadDelta([.. LatticeBytes.Write(delta), .. Field])));

        var inside = StoredState.Parser.ParseFrom(LatticeBytes.Write(one.State));
        inside.Content.Ormap.Entries[0].Variants[0].MergeFrom(new CodedInputStream(Field));
        Assert.Equal(LatticeBytes.Write(one.State), LatticeBytes.Write(LatticeBytes.ReadState(inside.ToByteArray())));
    }

    /// <summary>What a release stored, every later one reads.</summary>
    [Fact]
    public void StoredForm_StaysAsItIs()
    {
        var (one, two) = (new Replica(1, Kind.OrMap), new Replica(2, Kind.OrMap));
        two.Get(one.Do(new Update(0, Kind.PNCounter, new Add(-300))), one.Do(new Update(1, Kind.ORSet, new AddElement(7))));
        two.Do(new Update(2, Kind.LwwRegister, new Set(5, RegisterClock.Custom, -2)));
        two.Do(new Update(3, Kind.Vote, new Cast(true, default)));
        var delta = two.Do(new Update(0, Kind.PNCounter, new Add(1)));

        const string state = "0A040102020312793A770A1C0A010012170A0202031211120F0A0401010203120200011A03AC02000A160A010112110A020102120B22090A070A010712020102"
            + "0A170A010212120A020201120C2A0A0A0202011201031A01050A260A010312210A020202121B42190A0202021210000000000000000000000000000000001A0101";
        const string change = "080210031A020102221A3A1812160A01001A110802120D120B08031201031A0101220100";
        Assert.Equal(state, Convert.ToHexString(LatticeBytes.Write(two.State)));
        Assert.Equal(change, Convert.ToHexString(LatticeBytes.Write(delta)));
        Assert.Equal(state, Convert.ToHexString(LatticeBytes.Write(LatticeBytes.ReadState(Convert.FromHexString(state)))));
        Assert.Equal(change, Convert.ToHexString(LatticeBytes.Write(LatticeBytes.ReadDelta(Convert.FromHexString(change)))));
    }

    private static byte[] Field
    {
        get
        {
            using var stream = new MemoryStream();
            using (var output = new CodedOutputStream(stream, leaveOpen: true))
            {
                output.WriteTag(Unknown, WireFormat.WireType.LengthDelimited);
                output.WriteString("later");
            }

            return stream.ToArray();
        }
    }

    private static byte[] BytesOf<TMessage>(MessageParser<TMessage> parser, string json)
        where TMessage : IMessage<TMessage>, new() => json.StartsWith('{') ? parser.ParseJson(json).ToByteArray() : System.Text.Encoding.UTF8.GetBytes(json);
}
