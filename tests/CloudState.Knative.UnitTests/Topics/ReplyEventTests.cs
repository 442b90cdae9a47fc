using System.Diagnostics;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Topics;
using CloudState.Knative.UnitTests.Protos;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.UnitTests.Topics;

public sealed class ReplyEventTests
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 5, 4, 5, TimeSpan.FromHours(2));
    private static readonly MethodDescriptor Rpc = Counter.Descriptor.FindMethodByName("Add");
    private static readonly ActivityContext Trace = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

    [Fact]
    public void Reply_IsAnEventOfItsRpc()
    {
        var published = OfReply(new Total { Value = 7 })!;

        Assert.Equal("id 1", published.Id);
        Assert.Equal("/my%20shop/cloudstate.tests.unit.Counter/Add", published.Source);
        Assert.Equal("cloudstate.tests.unit.Total", published.Type);
        Assert.Equal(("ä/1", "ä/1"), (published.Subject, published.PartitionKey));
        Assert.Equal((Time, TimeSpan.Zero), (published.Time, published.Time.Offset));
        Assert.Equal(("application/json", """{"value":"7"}"""), (published.DataContentType, published.Data.ToStringUtf8()));
        Assert.Equal(Trace, published.Trace);
        Assert.Empty(published.Extensions);
    }

    [Theory]
    [InlineData("application/protobuf")]
    [InlineData("application/x-protobuf")]
    public void ReplyForATopicInProtobuf_IsItsBytes(string contentType)
    {
        var published = OfReply(new Total { Value = 7 }, contentType)!;

        Assert.Equal(contentType, published.DataContentType);
        Assert.Equal(new Total { Value = 7 }, Total.Parser.ParseFrom(published.Data));
    }

    [Fact]
    public void Nothing_IsNoEvent()
    {
        Assert.Null(OfReply(new Empty()));
        Assert.Null(OfReply(new Any()));
        Assert.Null(OfReply(Any.Pack(new Empty())));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void ReplyAboutNothing_HasNoSubject(string? subject)
    {
        var published = OfReply(new Total(), subject: subject)!;

        Assert.Null(published.Subject);
        Assert.Null(published.PartitionKey);
    }

    public static TheoryData<string, IMessage, string, string, string> Held => new()
    {
        { "json.cloudstate.io/shop.Order", Bytes("""{"a":1}"""), "shop.Order", "application/json", """{"a":1}""" },
        { "p.cloudstate.io/string", new StringValue { Value = "grün" }, "p.cloudstate.io/string", "text/plain", "grün" },
        { "p.cloudstate.io/bytes", Bytes("raw"), "p.cloudstate.io/bytes", "application/octet-stream", "raw" },
        { "p.cloudstate.io/int32", new Int32Value { Value = -5 }, "p.cloudstate.io/int32", "application/json", "-5" },
        { "p.cloudstate.io/int64", new Int64Value { Value = 5 }, "p.cloudstate.io/int64", "application/json", "\"5\"" },
        { "p.cloudstate.io/float", new FloatValue { Value = 0.5f }, "p.cloudstate.io/float", "application/json", "0.5" },
        { "p.cloudstate.io/double", new DoubleValue { Value = 1.5 }, "p.cloudstate.io/double", "application/json", "1.5" },
        { "p.cloudstate.io/bool", new BoolValue { Value = true }, "p.cloudstate.io/bool", "application/json", "true" },
        { "type.googleapis.com/shop.Order", new StringValue { Value = "x" }, "shop.Order", "application/protobuf", "\n\u0001x" },
    };

    [Theory]
    [MemberData(nameof(Held))]
    public void ReplyOfAnyType_IsWhatItHolds(string typeUrl, IMessage value, string type, string contentType, string data)
    {
        var published = OfReply(new Any { TypeUrl = typeUrl, Value = value.ToByteString() })!;

        Assert.Equal((type, contentType, data), (published.Type, published.DataContentType, published.Data.ToStringUtf8()));
    }

    [Theory]
    [InlineData("nonsense", "which names no type")]
    [InlineData("json.cloudstate.io/", "which names no type")]
    [InlineData("p.cloudstate.io/string", "protocol message")]
    public void AnyThatHoldsNothingSensible_IsRefused(string typeUrl, string message)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => OfReply(new Any { TypeUrl = typeUrl, Value = ByteString.CopyFrom(0x0A, 0x7F) }));

        Assert.StartsWith("The reply of cloudstate.tests.unit.Counter/Add cannot be an event: ", refused.Message);
        Assert.Contains(message, refused.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void ReplyMetadata_ChoosesAttributes()
    {
        var published = OfReply(
            new Total(),
            metadata:
            [
                ("ce-type", "shop.Counted"), ("ce-source", "/elsewhere?a=b"), ("ce-subject", "50% \"off\""), ("ce-time", "2025-12-31T23:00:00+01:00"),
                ("ce-partitionkey", "p"), ("ce-region", "east"), ("x-other", "-"), ("ce-dataschema", "http://schemas/1"), ("ce-region", "west"),
            ])!;

        Assert.Equal(("id 1", "shop.Counted", "/elsewhere?a=b"), (published.Id, published.Type, published.Source));
        Assert.Equal(("50% \"off\"", "p"), (published.Subject, published.PartitionKey));
        Assert.Equal((new DateTimeOffset(2025, 12, 31, 22, 0, 0, TimeSpan.Zero), TimeSpan.Zero), (published.Time, published.Time.Offset));
        Assert.Equal(
            [("dataschema", "http://schemas/1"), ("region", "west")],
            published.Extensions.Select(extension => (extension.Key, extension.Value)).Order());
    }

    [Fact]
    public void ReplyMetadataWithoutAttributes_ChangesNothing()
    {
        var published = OfReply(new Total(), metadata: [("x-other", "-")])!;

        Assert.Equal(("cloudstate.tests.unit.Total", "ä/1", Time), (published.Type, published.Subject, published.Time));
        Assert.Empty(published.Extensions);
    }

    [Theory]
    [InlineData("ce-id", "2", "cannot be changed")]
    [InlineData("ce-specversion", "1.0", "cannot be changed")]
    [InlineData("ce-datacontenttype", "text/plain", "cannot be changed")]
    [InlineData("ce-traceparent", "-", "cannot be changed")]
    [InlineData("ce-my-name", "v", "is no attribute of an event")]
    [InlineData("ce-", "v", "is no attribute of an event")]
    [InlineData("ce-data", "v", "is no attribute of an event")]
    [InlineData("ce-time", "yesterday", "is no attribute of an event")]
    [InlineData("ce-source", "a b", "is no attribute of an event")]
    [InlineData("ce-type", "", "is no attribute of an event")]
    public void ReplyMetadataThatIsNoAttribute_IsRefused(string name, string value, string message)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => OfReply(new Total(), metadata: [(name, value)]));

        Assert.StartsWith($"The reply metadata of cloudstate.tests.unit.Counter/Add has '{name}", refused.Message);
        Assert.Contains(message, refused.Message);
    }

    private static OutgoingEvent? OfReply(IMessage reply, string contentType = "application/json", string? subject = "ä/1", params (string Name, string Value)[] metadata) =>
        OutgoingEvents.FromReply(
            Rpc, MessageShapes.Plain, reply, contentType, "id 1", "my shop", subject,
            metadata.Length == 0 ? null : [.. metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value))], Trace, Time);

    private static BytesValue Bytes(string text) => new() { Value = ByteString.CopyFromUtf8(text) };
}
