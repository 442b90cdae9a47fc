using System.Text;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Kinds;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Duration = Google.Protobuf.WellKnownTypes.Duration;

namespace CloudState.Knative.UnitTests.Protobuf;

public sealed class StoredJsonTests
{
    private static readonly StoredTypes Types = new([AllForms.Descriptor, AllKinds.Descriptor, Link.Descriptor]);
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(Types.Shapes.Current.Registry));
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithTypeRegistry(Types.Shapes.Current.Registry));

    private static readonly Gen<Value> Values = Gen.Recursive<Value>((depth, inner) => depth > 3 ? Gen.Const(Value.ForBool(true)) : Gen.OneOf(
        Gen.Const(Value.ForNull()),
        Gen.Double[-1e9, 1e9].Select(Value.ForNumber),
        Gen.String[0, 3].Select(Value.ForString),
        inner.Array[0, 2].Select(Value.ForList),
        Gen.Dictionary(Gen.OneOf(Gen.Const("@unknown"), Gen.Const(""), Gen.String[Gen.Char.AlphaNumeric, 1, 3]), inner)[0, 2].Select(members => Value.ForStruct(StructOf(members)))));

    private static readonly Gen<AllForms> Messages = Gen.Recursive<AllForms>((depth, inner) => Gen.Select(
        Gen.Select(Gen.Dictionary(Gen.String[Gen.Char.AlphaNumeric, 0, 3], Gen.String[0, 3])[0, 3], Gen.Dictionary(Gen.Int, depth > 2 ? Gen.Const(new AllForms()) : inner)[0, 2]),
        Gen.Select(Gen.Long[-62_135_596_800, 253_402_300_799], Gen.Int[0, 999_999_999], Gen.Long),
        Gen.Select(Values, Values.Array[0, 3], Gen.Int[0, 3]),
        Gen.Bool,
        (maps, times, values, flag) =>
        {
            var message = new AllForms
            {
                Texts = { maps.Item1 },
                Numbered = { maps.Item2 },
                Shades = { [flag] = Shade.Negative },
                Fractions = { [times.Item3] = double.NaN, [0] = times.Item3 },
                Values = { ["v"] = values.Item1 },
                At = flag ? new Timestamp { Seconds = times.Item1, Nanos = times.Item2 } : null,
                Lasts = flag ? new Duration { Seconds = times.Item1 % 1000, Nanos = times.Item1 < 0 ? -times.Item2 : times.Item2 } : null,
                Mask = flag ? new FieldMask { Paths = { "a.b_c", "d" } } : null,
                Value = values.Item1.Clone(),
                List = new ListValue { Values = { values.Item2 } },
                Any = Any.Pack(new AllKinds { Int32Value = (int)times.Item3 }),
                WrappedLong = times.Item3,
                WrappedText = flag ? "" : null,
                WrappedBytes = ByteString.CopyFrom(1, 2),
                Several = { Any.Pack(new StringValue { Value = "x" }), Any.Pack(new Timestamp { Seconds = 1 }), new Any() },
                Anything = { values.Item2 },
                WrappedFlags = { flag, !flag },
            };
            switch (values.Item3)
            {
                case 1:
                    message.ChosenNull = NullValue.NullValue;
                    break;
                case 2:
                    message.ChosenValue = values.Item1.Clone();
                    break;
                default:
                    message.Object = new Struct { Fields = { ["a"] = values.Item1 } };
                    break;
            }

            return message;
        }));

    [Fact]
    public void WhatIsStored_IsRead() => Messages.Sample(message => Assert.Equal(message, Types.FromJson(AllForms.Descriptor.FullName, Types.ToJsonText(message))));

    [Fact]
    public void JsonOfProtobuf_IsRead() => Messages.Sample(message =>
    {
        var json = TryFormat(message);
        Assert.True(json is null || message.Equals(Types.FromJson(AllForms.Descriptor.FullName, json)));
    });

    [Fact]
    public void StoredJson_IsThatOfProtobuf() => Messages.Sample(message =>
    {
        if (TryFormat(message) is not null)
        {
            Assert.Equal(message, Parser.Parse<AllForms>(Types.ToJsonText(message)));
        }
    });

    [Fact]
    public void JsonForClients_IsThatOfProtobuf()
    {
        var shapes = new MessageShapes([AllForms.Descriptor.File], NameRecord.Empty);

        Messages.Sample(message =>
        {
            if (TryFormat(message) is not null)
            {
                Assert.Equal(message, Parser.Parse<AllForms>(Encoding.UTF8.GetString(new MessageCodec(AllForms.Descriptor, shapes).Write(message))));
            }
        });
    }

    [Fact]
    public void UnknownFields_ComeBack()
    {
        var newer = AllKinds.Parser.ParseFrom(new NewerKind { Int32Value = 7, FromTheFuture = "x" }.ToByteArray());
        newer.Inner = AllKinds.Parser.ParseFrom(new NewerKind { FromTheFuture = "y" }.ToByteArray());

        var json = Types.ToJsonText(newer);

        Assert.Equal("""{"int32Value":7,"inner":{"@unknown":"oh8BeQ=="},"@unknown":"oh8BeA=="}""", json);
        Assert.Equal(newer, Types.FromJson(AllKinds.Descriptor.FullName, json));
    }

    [Fact]
    public void AnyOfUnknownType_ComesBack()
    {
        var message = new AllForms { Any = new Any { TypeUrl = "type.googleapis.com/of.NoFile", Value = ByteString.CopyFrom(8, 1) } };

        var json = Types.ToJsonText(message);

        Assert.Equal("""{"any":{"@type":"type.googleapis.com/of.NoFile","@bytes":"CAE="}}""", json);
        Assert.Equal(message, Types.FromJson(AllForms.Descriptor.FullName, json));
    }

    [Theory]
    [InlineData("""{"any":{"int32Value":5,"@type":"type.googleapis.com/cloudstate.tests.kinds.AllKinds"}}""")]
    [InlineData("""{"any":{"@type":"type.googleapis.com/cloudstate.tests.kinds.AllKinds","int32Value":5,"inner":null}}""")]
    public void OrderOfMembers_DoesNotCount(string json) =>
        Assert.Equal(new AllForms { Any = Any.Pack(new AllKinds { Int32Value = 5 }) }, Types.FromJson(AllForms.Descriptor.FullName, json));

    [Fact]
    public void NegativeZero_KeepsItsSign()
    {
        var json = Types.ToJsonText(new AllKinds { Fractions = { -0.0, 0 } });

        Assert.Equal("""{"fractions":["-0",0]}""", json);
        Assert.Equal([true, false], ((AllKinds)Types.FromJson(AllKinds.Descriptor.FullName, json)).Fractions.Select(double.IsNegative));
    }

    [Theory]
    [InlineData("object.fields", "object.a")]
    [InlineData("value", "numbered.5.value")]
    [InlineData("at", "numbered.5.at")]
    [InlineData("lasts", "lasts")]
    [InlineData("mask", "mask")]
    [InlineData("infinite", "values.v")]
    public void ValueOutOfRange_IsRefusedWithItsPath(string kind, string path)
    {
        var message = kind switch
        {
            "object.fields" => new AllForms { Object = new Struct { Fields = { ["a"] = new Value() } } },
            "value" => new AllForms { Numbered = { [5] = new AllForms { Value = new Value() } } },
            "at" => new AllForms { Numbered = { [5] = new AllForms { At = new Timestamp { Seconds = 1_000_000_000_000 } } } },
            "lasts" => new AllForms { Lasts = new Duration { Seconds = 1, Nanos = -5 } },
            "mask" => new AllForms { Mask = new FieldMask { Paths = { "fooBar" } } },
            _ => new AllForms { Values = { ["v"] = Value.ForNumber(double.PositiveInfinity) } },
        };

        Assert.StartsWith($"{path}: It is", Assert.Throws<UnstorableDataException>(() => Types.ToJson(message)).Message);
    }

    [Fact]
    public void MessageOfGreatestDepth_IsRead_AndNoneDeeperIsWritten()
    {
        var deepest = ChainOf(100);

        Assert.Equal(deepest, Types.FromJson(Link.Descriptor.FullName, Types.ToJsonText(deepest)));
        Assert.Equal(deepest, Link.Parser.ParseFrom(deepest.ToByteArray()));
        Assert.Contains("more than 100", Assert.Throws<UnstorableDataException>(() => Types.ToJson(ChainOf(101))).Message);
        MessageDepth.Check(deepest);
        Assert.Throws<UnstorableDataException>(() => MessageDepth.Check(ChainOf(101)));
    }

    [Fact]
    public void Map_CountsAsALevel_AsForParsers()
    {
        var message = new AllForms();
        for (var level = 0; level < 51; level++)
        {
            message = new AllForms { Numbered = { [1] = message } };
        }

        Assert.Throws<InvalidProtocolBufferException>(() => AllForms.Parser.ParseFrom(message.ToByteArray()));
        Assert.Throws<UnstorableDataException>(() => Types.ToJson(message));
        var readable = message.Numbered[1];
        Assert.Equal(readable, AllForms.Parser.ParseFrom(readable.ToByteArray()));
        Assert.Equal(readable, Types.FromJson(AllForms.Descriptor.FullName, Types.ToJsonText(readable)));
    }

    internal static Link ChainOf(int length)
    {
        var link = new Link { Text = "last" };
        for (var i = 0; i < length; i++)
        {
            link = new Link { Next = link };
        }

        return link;
    }

    private static Struct StructOf(Dictionary<string, Value> members) => new() { Fields = { members } };

    /// <summary>Null for an empty key, which protobuf's own code refuses to write.</summary>
    private static string? TryFormat(AllForms message)
    {
        try
        {
            return Formatter.Format(message);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
