using System.Text;
using CloudState.Knative.Protobuf;
using CloudState.Knative.UnitTests.Kinds;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.UnitTests.Protobuf;

public sealed class MessageJsonTests
{
    private static readonly MessageShape Shape = MessageShapes.Plain.Of(AllKinds.Descriptor);
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default);

    private static readonly Gen<string> Texts = Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 0, 5], AnyOf("\"\\/<é>&'+", "😀\u2028\0\n", "日本", new string('x', 600)));

    private static readonly Gen<AllKinds> Messages = Gen.Recursive<AllKinds>((depth, inner) => depth > 3 ? Scalars : Gen.Select(
        Scalars, Gen.Null(inner), inner.Array[0, 2], Gen.Int[0, 2], (message, single, several, choice) =>
        {
            message.Inner = single;
            message.Inners.Add(several);
            if (choice == 1)
            {
                message.ChosenText = message.StringValue;
            }
            else if (choice == 2 && single is not null)
            {
                message.ChosenInner = single;
            }

            return message;
        }));

    private static Gen<AllKinds> Scalars => Gen.Select(
        Gen.Select(Gen.OneOf(Gen.Double, AnyOf(0.0, 1.5, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue)), Gen.OneOf(Gen.Single, AnyOf(0f, 0.1f, float.NaN, float.Epsilon))),
        Gen.Select(Gen.OneOf(Gen.Int, AnyOf(0, -1, int.MinValue, int.MaxValue)), Gen.OneOf(Gen.Long, AnyOf(0L, -1L, long.MinValue, long.MaxValue))),
        Gen.Select(Gen.UInt, Gen.ULong),
        Gen.Select(Texts, Gen.Byte.Array[0, 5]),
        Gen.Select(Gen.Bool, AnyOf(Shade.None, Shade.Dark, Shade.Negative, (Shade)77)),
        Gen.Select(Gen.Int.Array[0, 3], Texts.Array[0, 3]),
        (fractions, signed, unsigned, text, flags, lists) => new AllKinds
        {
            DoubleValue = fractions.Item1,
            FloatValue = fractions.Item2,
            Int32Value = signed.Item1,
            Sint32Value = signed.Item1,
            Sfixed32Value = signed.Item1,
            Int64Value = signed.Item2,
            Sint64Value = signed.Item2,
            Sfixed64Value = signed.Item2,
            Uint32Value = unsigned.Item1,
            Fixed32Value = unsigned.Item1,
            Uint64Value = unsigned.Item2,
            Fixed64Value = unsigned.Item2,
            StringValue = text.Item1,
            BytesValue = ByteString.CopyFrom(text.Item2),
            BoolValue = flags.Item1,
            FarAway = flags.Item1,
            Shade = flags.Item2,
            Nothing = flags.Item1 ? new() : null,
            Numbers = { lists.Item1 },
            SignedNumbers = { lists.Item1.Select(number => (long)number) },
            Fractions = { lists.Item1.Select(number => number / 7.0) },
            Texts = { lists.Item2 },
            Shades = { flags.Item2 },
        }.WithOptional(flags.Item1 ? signed.Item1 : null));

    [Fact]
    public void Json_MeansTheMessage() => Messages.Sample(message =>
    {
        foreach (var style in Enum.GetValues<JsonStyle>())
        {
            Assert.Equal(message, Parser.Parse<AllKinds>(Text(message, style)));
        }
    });

    [Fact]
    public void JsonOfProtobuf_IsReadWhereItIsPlain() => Messages.Sample(message =>
    {
        var json = Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(message));

        // Names of values that are none, NaN and the like are left to protobuf's parser.
        var read = MessageJson.TryRead(json, AllKinds.Descriptor, Shape);
        Assert.True(read is null || read.Equals(message));
    });

    [Fact]
    public void DefaultValues_AreWrittenOnDemand()
    {
        Assert.Equal("{}", Text(new AllKinds(), JsonStyle.Event));
        Assert.Equal(
            """{"doubleValue":0,"floatValue":0,"int32Value":0,"int64Value":"0","uint32Value":0,"uint64Value":"0","sint32Value":0,"sint64Value":"0","fixed32Value":0,"fixed64Value":"0","sfixed32Value":0,"sfixed64Value":"0","boolValue":false,"stringValue":"","bytesValue":"","shade":"SHADE_NONE","numbers":[],"signedNumbers":[],"texts":[],"shades":[],"inners":[],"fractions":[],"farAway":false}""",
            Text(new AllKinds(), JsonStyle.Client));
    }

    [Fact]
    public void UnknownFields_AreNotForClients()
    {
        var newer = new NewerKind { Int32Value = 7, FromTheFuture = "x" };

        Assert.Equal("""{"int32Value":7}""", Text(AllKinds.Parser.ParseFrom(newer.ToByteArray()), JsonStyle.Event));
    }

    [Theory]
    [InlineData("""{"texts":["a","\ud83d\ude00","\u0000"],"inner":{"inners":[{},{"numbers":[1]}]},"unknown":[{"a":null}]}""")]
    [InlineData("""{"string_value":"a","int64Value":"-5","boolValue":false}""")]
    [InlineData("""{}""")]
    public void PlainJson_IsRead(string json)
    {
        var expected = new JsonParser(JsonParser.Settings.Default.WithIgnoreUnknownFields(true)).Parse<AllKinds>(json);

        Assert.Equal(expected, MessageJson.TryRead(Encoding.UTF8.GetBytes(json), AllKinds.Descriptor, Shape));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}{}")]
    [InlineData("null")]
    [InlineData("""{"int32Value":null}""")]
    [InlineData("""{"int32Value":1.5}""")]
    [InlineData("""{"int32Value":1,"int32_value":1}""")]
    [InlineData("""{"int64Value":" 1"}""")]
    [InlineData("""{"chosenText":"a","chosenInner":{}}""")]
    [InlineData("""{"texts":["\ud83d"]}""")]
    [InlineData("""{"shade":"SHADE_OF_NO_KIND"}""")]
    [InlineData("""{"inner":[]}""")]
    public void OtherJson_IsLeftToOthers(string json) =>
        Assert.Null(MessageJson.TryRead(Encoding.UTF8.GetBytes(json), AllKinds.Descriptor, Shape));

    [Fact]
    public void InvalidUtf8_IsLeftToOthers() =>
        Assert.Null(MessageJson.TryRead([.. "{\"stringValue\":\""u8, 0xff, .. "\"}"u8], AllKinds.Descriptor, Shape));

    [Fact]
    public void TypesWithoutOrdinaryJson_AreNotPlain()
    {
        foreach (var type in (MessageDescriptor[])[WithMap.Descriptor, WithTimestamp.Descriptor, WithMapDeepInside.Descriptor])
        {
            Assert.False(WireFromJson.IsPlain(type));
        }

        Assert.True(WireFromJson.IsPlain(AllKinds.Descriptor));
    }

    private static Gen<T> AnyOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static string Text(AllKinds message, JsonStyle style) => Encoding.UTF8.GetString(MessageJson.Write(message, Shape, style));
}

internal static class AllKindsExtensions
{
    public static AllKinds WithOptional(this AllKinds message, int? value)
    {
        if (value is { } present)
        {
            message.OptionalValue = present;
        }

        return message;
    }
}
