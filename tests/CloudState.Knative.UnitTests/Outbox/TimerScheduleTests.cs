using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Outbox;

public sealed class TimerScheduleTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly EntityId Alice = new("cart", "alice");

    private readonly OwnedSlot _slot = new(new Slot("cart", 0), Tenure.Unlimited(TimeProvider.System));
    private readonly TimerSchedule _schedule = new();

    public TimerScheduleTests() => Read([], null);

    [Fact]
    public void DueTimers_AreTakenInOrder_OnceEach()
    {
        var (late, early) = (Timer("late", 20), Timer("early", 10));
        Change(late, early);

        Assert.Equal(Noon.AddSeconds(10), _schedule.Next);
        Assert.Empty(Due(5));
        Assert.Equal([early, late], Due(20));
        Assert.Empty(Due(30));
    }

    [Fact]
    public void DueTimer_IsTheNextOneUntilItIsTaken()
    {
        Change(Timer("a", 10), Timer("b", 20));
        var seen = new List<DateTimeOffset?>();

        _schedule.TakeDue(Noon.AddSeconds(20), (_, _) => seen.Add(_schedule.Next));

        Assert.Equal([Noon.AddSeconds(10), Noon.AddSeconds(20)], seen);
        Assert.Null(_schedule.Next);
    }

    [Fact]
    public void TimerThatIsCancelledOrSetAnew_IsNotTaken()
    {
        var (first, second) = (Timer("a", 10), Timer("a", 15));
        Change(first, Timer("b", 10));

        Change(second);
        _schedule.Change([new TimerChange("b", null)], Alice, _slot);

        Assert.Empty(Due(10));
        Assert.Equal([second], Due(20));
        Assert.True(_schedule.IsCurrent(second));
        Change(Timer("a", 40));
        Assert.False(_schedule.IsCurrent(second));
    }

    [Fact]
    public void WhatCommandsHaveChangedDuringARead_CountsMoreThanWhatIsRead()
    {
        var (cancelled, kept) = (Timer("cancelled", 10), Timer("kept", 10));
        _schedule.StartReading(new HashSet<OwnedSlot> { _slot }, Noon.AddMinutes(1));
        _schedule.Change([new TimerChange("cancelled", null)], Alice, _slot);

        _schedule.Merge([cancelled, kept], null, new Dictionary<Slot, OwnedSlot> { [_slot.Slot] = _slot });

        Assert.Equal([kept], Due(10));
    }

    [Fact]
    public void TimerBeyondTheHorizon_IsKnownOnlyByItsTime()
    {
        Change(Timer("far", 3600));
        Assert.Equal(Noon.AddHours(1), _schedule.Next);
        Assert.Empty(Due(7200));

        Read([Timer("near", 30)], Noon.AddHours(2));
        Assert.Equal(Noon.AddSeconds(30), _schedule.Next);
        Assert.Single(Due(30));
        Assert.Equal(Noon.AddHours(2), _schedule.Next);
    }

    [Fact]
    public void TimersOfASlotThatIsLost_AreDropped()
    {
        Change(Timer("a", 10));

        _schedule.StartReading(new HashSet<OwnedSlot>(), Noon.AddMinutes(1));
        _schedule.Merge([], null, new Dictionary<Slot, OwnedSlot>());

        Assert.Empty(Due(10));
        Assert.Null(_schedule.Next);
    }

    private void Read(IReadOnlyList<StoredTimer> timers, DateTimeOffset? next)
    {
        _schedule.StartReading(new HashSet<OwnedSlot> { _slot }, Noon.AddMinutes(1));
        _schedule.Merge(timers, next, new Dictionary<Slot, OwnedSlot> { [_slot.Slot] = _slot });
    }

    private void Change(params StoredTimer[] timers) => _schedule.Change([.. timers.Select(timer => new TimerChange(timer.Name, timer))], Alice, _slot);

    private List<StoredTimer> Due(int seconds)
    {
        var due = new List<StoredTimer>();
        _schedule.TakeDue(Noon.AddSeconds(seconds), (timer, _) => due.Add(timer));
        return due;
    }

    private static StoredTimer Timer(string name, int seconds) => new(Guid.NewGuid(), Alice, 0, name, Noon.AddSeconds(seconds), "carts.Carts/Expire", ByteString.Empty);
}
