using System.Text;
using CloudState.Knative.Crdts;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Kinds;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.UnitTests.Crdts;

/// <summary>The types of elements, keys and values of registers.</summary>
public sealed class ElementTests
{
    [Fact]
    public void Numbers_AreReadAgain_InTheirOrder()
    {
        Check(Gen.Int);
        Check(Gen.UInt);
        Check(Gen.Long);
        Check(Gen.ULong);
        Check(Gen.Double);
        Check(Gen.Enum<Shade>());

        static void Check<T>(Gen<T> values)
            where T : notnull => values.Array[0, 20].Sample(elements =>
            {
                var set = new ORSet<T>();
                foreach (var element in elements)
                {
                    set.Add(element);
                }

                Assert.Equal(elements.Distinct().Order(), set);
            });
    }

    [Fact]
    public void OtherTypes_AreReadAgain()
    {
        var id = Guid.NewGuid();

        Assert.Equal([false, true], new GSet<bool> { true, false });
        Assert.Equal([id], new GSet<Guid> { id });
        Assert.Equal([ByteString.Empty, ByteString.CopyFrom(255)], new GSet<ByteString> { ByteString.CopyFrom(255), ByteString.Empty });
        Assert.Equal(["", "\0", "ä", "€", "😀"], new GSet<string> { "😀", "€", "ä", "\0", "" });
        Assert.Equal([new Addressed(1), new Addressed(2)], new GSet<AllKinds> { new Addressed(2), new Addressed(1), new Addressed(2) }.Select(each => (Addressed)each));
    }

    [Fact]
    public void Doubles_HaveOneZero_AndOneNaN()
    {
        var set = new GSet<double> { 0.0, -0.0, double.NaN, BitConverter.Int64BitsToDouble(-1) };

        Assert.Equal(2, set.Count);
        Assert.Equal("[\"NaN\",0]", CrdtReplica<PNCounter>.Text(set));
    }

    [Fact]
    public void UnknownTypes_AreRefused()
    {
        var refusals = new[]
        {
            Assert.Throws<EntityDefinitionException>(() => new ORSet<DateTime>()),
            Assert.Throws<EntityDefinitionException>(() => new LwwRegister<DateTime>()),
            Assert.Throws<EntityDefinitionException>(() => new OrMap<DateTime, Flag>()),
        };

        Assert.All(refusals, refusal => Assert.StartsWith("A System.DateTime can be no element", refusal.Message));
        Assert.Throws<EntityDefinitionException>(() => new GSet<IMessage>());
        Assert.Throws<EntityDefinitionException>(() => new GSet<LongEnum>());
    }

    [Fact]
    public void MessagesWithMaps_AreRefused()
    {
        var refusal = Assert.Throws<EntityDefinitionException>(() => new LwwRegister<WithMapDeepInside>());

        Assert.Contains("cloudstate.tests.kinds.WithMapDeepInside can be no element", refusal.Message);
        Assert.Contains("cloudstate.tests.kinds.WithMap.counts is a map", refusal.Message);
        Assert.Throws<EntityDefinitionException>(() => new GSet<Struct>());
    }

    [Fact]
    public void Messages_AreCopies()
    {
        var message = new AllKinds { Int32Value = 1 };
        var register = new LwwRegister<AllKinds>();
        register.Set(message);

        message.Int32Value = 2;
        register.Value!.Int32Value = 3;

        Assert.Equal(1, register.Value.Int32Value);

        var set = new ORSet<AllKinds> { message };
        set.Single().Int32Value = 4;
        Assert.Contains(message, set);
    }

    [Fact]
    public void FieldsThatThisRevisionDoesNotKnow_AreInTheirPlace()
    {
        var known = new AllKinds { Int32Value = 1, FarAway = true };
        var read = AllKinds.Parser.ParseFrom([.. known.ToByteArray(), .. new NewerKind { FromTheFuture = "new" }.ToByteArray()]);

        // 500 before 1000, as the newer revision writes them.
        var written = ElementCodecs.Of<AllKinds>().Write(read);

        Assert.NotEqual(read.ToByteString(), written);
        Assert.Equal(read, AllKinds.Parser.ParseFrom(written));
        Assert.True(written.Span.IndexOf(Encoding.UTF8.GetBytes("new")) < written.Span.LastIndexOf(new byte[] { 0xC0, 0x3E, 1 }));
    }

    [Fact]
    public void WhatCannotBeReadAgain_IsNotAdded()
    {
        var (texts, messages) = (new ORSet<string>(), new ORSet<AllKinds>());
        var deep = new AllKinds();
        for (var depth = 0; depth < 200; depth++)
        {
            deep = new AllKinds { Inner = deep };
        }

        Assert.ThrowsAny<ArgumentException>(() => texts.Add("\ud800"));
        Assert.Throws<ArgumentNullException>(() => texts.Add(null!));
        Assert.Throws<UnstorableDataException>(() => messages.Add(deep));
        Assert.Equal((0, 0), (texts.Count, messages.Count));
    }

    [Fact]
    public void ElementsOfAnotherType_AreNotRead()
    {
        var replica = new CrdtReplica<GSet<int>>(1);
        replica.Value.Add(-1);

        AssertUnreadable<string>();
        AssertUnreadable<long>();
        AssertUnreadable<bool>();
        AssertUnreadable<Guid>();
        AssertUnreadable<AllKinds>();

        void AssertUnreadable<T>()
            where T : notnull
        {
            var other = new GSet<T>();
            other.Attach(replica);
            Assert.Contains(typeof(T).ToString(), Assert.Throws<InvalidDataException>(() => other.Single()).Message);
        }
    }

    private enum LongEnum : long;

    private readonly record struct Addressed(int Number)
    {
        public static implicit operator AllKinds(Addressed addressed) => new() { Int32Value = addressed.Number, StringValue = "a" };

        public static explicit operator Addressed(AllKinds message) => new(message.Int32Value);
    }
}
