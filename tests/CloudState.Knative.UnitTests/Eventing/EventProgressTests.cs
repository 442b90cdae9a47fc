using CloudState.Knative.Cluster;
using CloudState.Knative.Journal;
using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Eventing;

public sealed class EventProgressTests
{
    private readonly EventProgress _progress = new(new OwnedSlot(new Slot("cart", 0), Tenure.Unlimited(TimeProvider.System)), position: 40);

    [Fact]
    public void DoneIsWhatComesBeforeTheFirstThatIsOpen()
    {
        Open(41, 43, 44);

        _progress.Close(43);
        Assert.Equal(40, _progress.Done);
        _progress.Close(41);
        Assert.Equal(43, _progress.Done);
        _progress.Close(44);
        Assert.Equal((50, 50, 0), (_progress.Done, _progress.Read, _progress.OpenCount));
    }

    [Fact]
    public void EventThatWasHandedOut_IsNotHandedOutAgain()
    {
        Open(41);

        Assert.False(_progress.TryOpen(41));
        Assert.False(_progress.TryOpen(50));
        Assert.True(_progress.TryOpen(51));
        Assert.Equal(2, _progress.OpenCount);
    }

    private void Open(params long[] positions)
    {
        Assert.All(positions, position => Assert.True(_progress.TryOpen(position)));
        _progress.ReadUpTo(50);
    }
}
