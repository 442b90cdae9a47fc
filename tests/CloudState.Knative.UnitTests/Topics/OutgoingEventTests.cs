using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Topics;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Topics;

public sealed class OutgoingEventTests
{
    private const string TraceText = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    private static readonly DateTimeOffset Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(1_234_567);

    [Fact]
    public void EventOfAnEntity_IsNamedAfterItsPlaceInTheJournal()
    {
        var stored = OfJournal("ä b/%");

        Assert.Equal("shopping cart/ä b/%/42", stored.Id);
        Assert.Equal("/the%20shop/shopping%20cart", stored.Source);
        Assert.Equal(("shop.Added", "ä b/%", "ä b/%"), (stored.Type, stored.Subject, stored.PartitionKey));
        Assert.Equal(("sequence", "42"), Assert.Single(stored.Extensions.Select(extension => (extension.Key, extension.Value))));
        Assert.Equal(("application/json", "{}"), (stored.DataContentType, stored.Data.ToStringUtf8()));
    }

    [Fact]
    public void Metadata_IsThatOfARequestInBinaryMode()
    {
        var metadata = OfJournal("ä \"b\"/%") with { Trace = ActivityContext.Parse(TraceText, "a=b") };

        Assert.Equal(
            [
                ("ce-specversion", "1.0"),
                ("ce-id", "shopping%20cart/%C3%A4%20%22b%22/%25/42"),
                ("ce-source", "/the%2520shop/shopping%2520cart"),
                ("ce-type", "shop.Added"),
                ("ce-subject", "%C3%A4%20%22b%22/%25"),
                ("ce-time", "2026-01-02T03:04:05.1234567Z"),
                ("ce-partitionkey", "%C3%A4%20%22b%22/%25"),
                ("ce-traceparent", TraceText),
                ("ce-tracestate", "a=b"),
                ("ce-sequence", "42"),
                ("content-type", "application/json"),
            ],
            metadata.ToMetadata().Select(entry => (entry.Key, entry.Value)));
    }

    [Fact]
    public void Metadata_IsReadAsTheSameEvent()
    {
        var read = OfJournal("ä \"b\"/%").ToMetadata().CloudEvent!;

        Assert.Equal(("shopping cart/ä \"b\"/%/42", "/the%20shop/shopping%20cart", "shop.Added"), (read.Id, read.Source, read.Type));
        Assert.Equal(("ä \"b\"/%", Time, "42", "application/json"), (read.Subject, read.Time, read["sequence"], read.DataContentType));
    }

    [Fact]
    public void MetadataOfAnEventWithoutData_HasNoContentType()
    {
        var metadata = Least().ToMetadata();

        Assert.Equal(["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"], metadata.Select(entry => entry.Key));
    }

    [Theory]
    [InlineData("ä \"b\"/%")]
    [InlineData("日本 🚲\n")]
    public void StoredEvent_IsTheSameWhenItIsRead(string entityId)
    {
        var stored = OfJournal(entityId) with { Trace = TraceOf("a=b") };

        var read = OutgoingEvent.Of(StoredCloudEvent.Parser.ParseFrom(stored.ToStored("orders").ToByteArray()));

        Assert.Equal(stored.Extensions, read.Extensions);
        Assert.Equal(stored with { Extensions = read.Extensions }, read);
        Assert.Equal("orders", stored.ToStored("orders").Topic);
    }

    [Fact]
    public void StoredEventWithoutOptionalAttributes_HasNoneWhenItIsRead()
    {
        var stored = Least();

        var read = OutgoingEvent.Of(stored.ToStored("orders"));

        Assert.Equal(stored with { Extensions = read.Extensions }, read);
        Assert.Empty(read.Extensions);
    }

    [Fact]
    public void StoredTraceWithoutState_HasNoneWhenItIsRead()
    {
        var stored = Least() with { Trace = TraceOf(null) };

        Assert.Equal(stored.Trace, OutgoingEvent.Of(stored.ToStored("orders")).Trace);
    }

    private static ActivityContext TraceOf(string? state) => ActivityContext.TryParse(TraceText, state, isRemote: true, out var trace) ? trace : default;

    private static OutgoingEvent OfJournal(string entityId) => OutgoingEvents.FromJournal(
        "the shop", "shopping cart", entityId, 42, "shop.Added", "application/json", ByteString.CopyFromUtf8("{}"), Time.ToOffset(TimeSpan.FromHours(-3)));

    private static OutgoingEvent Least() => new() { Id = "1", Source = "/s", Type = "t", Time = Time };
}
