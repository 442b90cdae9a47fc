using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.UnitTests.Faults;

public sealed class StreamComparisonTests
{
    private static readonly Operation[] Writes = [Write(1, Outcome.Ok), Write(2, Outcome.Unknown), Write(3, Outcome.Failed)];

    [Fact]
    public void StreamWithAcknowledgedAndUnknownWrites_HasNoDifferences()
    {
        Assert.Empty(Differences(new StoredCloudEvent(1, "item-1")));
        Assert.Empty(Differences(new StoredCloudEvent(1, "item-2"), new StoredCloudEvent(2, "item-1")));
    }

    [Fact]
    public void LostItem_Found() => Assert.Contains("lost", Assert.Single(Differences()));

    [Fact]
    public void ItemTwice_Found() => Assert.Contains("twice", Assert.Single(Differences(new StoredCloudEvent(1, "item-1"), new StoredCloudEvent(2, "item-1"))));

    [Fact]
    public void ItemOfNobody_Found() => Assert.Contains("nobody", Assert.Single(Differences(new StoredCloudEvent(1, "item-1"), new StoredCloudEvent(2, "item-9"))));

    [Fact]
    public void ItemThatNoPodReceived_Found() => Assert.Contains("no pod", Assert.Single(Differences(new StoredCloudEvent(1, "item-1"), new StoredCloudEvent(2, "item-3"))));

    [Fact]
    public void GapInTheVersions_Found() => Assert.Contains("version 3", Assert.Single(Differences(new StoredCloudEvent(1, "item-1"), new StoredCloudEvent(3, "item-2"))));

    private static IEnumerable<string> Differences(params StoredCloudEvent[] events) => StreamComparison.Differences(Writes, events);

    private static Operation Write(int item, Outcome outcome) => new("cart", OperationKind.Write, 0, "") { Item = item, Outcome = outcome };
}
