using CloudState.Knative.Cluster;
using CloudState.Knative.Journal;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Journal;

public sealed class SlotCheckpointTests
{
    private readonly SlotTail _tail = new();
    private readonly SlotCheckpoint _checkpoint;

    public SlotCheckpointTests() => _checkpoint = new(new OwnedSlot(new Slot("cart", 0), Tenure.Unlimited(TimeProvider.System)), _tail, position: 40);

    [Fact]
    public void DoneIsWhatComesBeforeTheFirstThatIsOpen()
    {
        Assert.All([41, 43, 44], position => _checkpoint.Open(position));
        _checkpoint.ReadUpTo(50);

        _checkpoint.Close(43);
        Assert.Equal(40, _checkpoint.Done);
        _checkpoint.Close(41);
        Assert.Equal(43, _checkpoint.Done);
        _checkpoint.Close(44);
        Assert.Equal((50, 50, 0), (_checkpoint.Done, _checkpoint.Read, _checkpoint.OpenCount));
    }

    [Fact]
    public void EventThatIsOpenBeforeItIsRead_IsNotDone()
    {
        _checkpoint.Open(41);

        Assert.Equal((40, 40, 1), (_checkpoint.Done, _checkpoint.Read, _checkpoint.OpenCount));
    }

    [Fact]
    public void WhileTheTailIsNotKnown_ItIsBehind()
    {
        Assert.True(_checkpoint.IsBehind);

        _tail.Open(41);
        _checkpoint.ReadUpTo(41);
        Assert.False(_checkpoint.IsBehind);

        _tail.Forget();
        Assert.True(_checkpoint.IsBehind);
    }
}
