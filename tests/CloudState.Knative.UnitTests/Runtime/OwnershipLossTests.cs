using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>What becomes of commands and of the state in memory when this process ceases to own the slot they are in.</summary>
public sealed class OwnershipLossTests : IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);
    private static readonly EntityId Key = RuntimeFixture.KeyOf("a");

    private readonly ClusterState _cluster = new(["counter"], slotsPerType: 1);
    private readonly RuntimeFixture _fixture;

    public OwnershipLossTests() => _fixture = new RuntimeFixture(cluster: _cluster);

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task LeaseEndsWhileTheHandlerReads_IsNotAnsweredFromMemory()
    {
        var slot = Own();
        await _fixture.AddAsync("a", 1);
        _fixture.WhileReading = () => _fixture.Time.Advance(Lease);

        var outcome = await _fixture.ExecuteInsideAsync(slot, _fixture.Question("a"));

        Assert.Equal(OutcomeKind.NotOwner, outcome.Kind);
        Assert.Null(outcome.Reply);
    }

    [Fact]
    public async Task LeaseHoldsUntilTheHandlerHasRead_IsAnsweredFromMemory()
    {
        var slot = Own();
        await _fixture.AddAsync("a", 1);
        _fixture.WhileReading = () => _fixture.Time.Advance(Lease - TimeSpan.FromTicks(1));

        Assert.Equal(new Total { Value = 1 }, (await _fixture.ExecuteInsideAsync(slot, _fixture.Question("a"))).Reply);
        Assert.Equal(1, _fixture.Store.Loads);
    }

    [Fact]
    public async Task LeaseEndsWhileQueued_DoesNotRun()
    {
        var slot = Own();
        await _fixture.AddAsync("a", 1);
        using var leave = new CancellationTokenSource();
        var busy = _fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 1, "wait", cancelled: leave.Token));
        var queued = _fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 2));

        // Queued behind the other, and held by it until the lease has ended.
        _fixture.Time.Advance(Lease);
        await leave.CancelAsync();
        await busy;

        Assert.Equal(OutcomeKind.NotOwner, (await queued).Kind);
        Assert.Single(_fixture.Store.EventsOf(Key));
    }

    [Fact]
    public async Task LeaseEndsWhileAppending_TheStoreHasTheLastWord()
    {
        var slot = Own();
        _fixture.Store.HoldAppends();
        var addition = _fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 1));
        await AppendArrivedAsync();

        _fixture.Time.Advance(Lease);
        _fixture.Store.ReleaseAppends();

        Assert.Equal(new Total { Value = 1 }, (await addition).Reply);
        Assert.Single(_fixture.Store.EventsOf(Key));
    }

    [Fact]
    public async Task FencedAppend_GivesBackAllThatDependedOnIt_AndStoresNothing()
    {
        var slot = Own();
        _fixture.Store.HoldAppends();
        _fixture.Store.BeforeAppend = _ => throw new FencedException("Gone.");
        var first = _fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 1));
        await AppendArrivedAsync();
        var (reads, lastRead) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _fixture.WhileReading = () =>
        {
            if (++reads == 2)
            {
                lastRead.TrySetResult();
            }
        };

        var (second, read) = (_fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 2)), _fixture.ExecuteInsideAsync(slot, _fixture.Question("a")));

        // When one more command runs, the others have run and wait for the append.
        var marker = _fixture.ExecuteInsideAsync(slot, _fixture.Question("a"));
        await lastRead.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        _fixture.Store.ReleaseAppends();

        Assert.All(await Task.WhenAll(first, second, read), outcome => Assert.Equal(OutcomeKind.NotOwner, outcome.Kind));
        await marker;
        Assert.Empty(_fixture.Store.EventsOf(Key));
    }

    [Fact]
    public async Task FencedAppend_RunsAgainWhereTheSlotIsOwnedAnew()
    {
        var expelled = Own();
        await _fixture.AddAsync("a", 1);
        _fixture.Store.BeforeAppend = _ =>
        {
            // Somebody else owned the slot, has written, and has left.
            _fixture.Store.BeforeAppend = _ => { };
            _fixture.Store.WriteBehindTheBack(Key, new Added { Amount = 10 });
            expelled.Tenure.End();
            Own();
            _cluster.SignalChange();
            throw new FencedException("Gone.");
        };

        Assert.Equal(new Total { Value = 13 }, (await _fixture.AddAsync("a", 2)).Reply);
        Assert.Equal(3, _fixture.Store.EventsOf(Key).Count);
    }

    [Fact]
    public async Task CommandInside_DelaysTheDrainUntilItsOutcomeHasLeft()
    {
        var slot = Own();
        _fixture.Store.HoldAppends();
        var addition = _fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 1));
        await AppendArrivedAsync();

        slot.StartDraining();
        Assert.False(slot.TryEnter());
        Assert.False(slot.Drained.IsCompleted);

        _fixture.Store.ReleaseAppends();
        await slot.Drained.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(new Total { Value = 1 }, (await addition).Reply);
    }

    [Fact]
    public async Task CommandWhoseCallerHasGone_StillDelaysTheDrain()
    {
        var slot = Own();
        using var leave = new CancellationTokenSource();
        _fixture.Store.HoldAppends();
        var addition = _fixture.ExecuteInsideAsync(slot, _fixture.Addition("a", 1, cancelled: leave.Token));
        await AppendArrivedAsync();
        await leave.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await addition).Status.StatusCode);

        slot.StartDraining();
        Assert.False(slot.Drained.IsCompleted);

        _fixture.Store.ReleaseAppends();
        await slot.Drained.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        Assert.Single(_fixture.Store.EventsOf(Key));
    }

    [Fact]
    public async Task SlotOwnedAnew_ItsEntitiesAreLoadedAgain()
    {
        var before = Own();
        await _fixture.AddAsync("a", 1);
        before.StartDraining();
        await before.Drained.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        _cluster.Drop(before);
        _fixture.Store.WriteBehindTheBack(Key, new Added { Amount = 10 });

        // Owned again in the same tenure, within the same lease.
        var after = Own(before.Tenure);

        Assert.Equal(new Total { Value = 11 }, (await _fixture.ExecuteInsideAsync(after, _fixture.Question("a"))).Reply);
        Assert.Equal(2, _fixture.Store.Loads);
        Assert.Equal(1, _fixture.Counters.Count);
    }

    [Fact]
    public async Task SlotDisowned_ItsEntitiesLeaveMemory()
    {
        var slot = Own();
        await _fixture.AddAsync("a", 1);
        _fixture.Runtime.DropDisowned();
        Assert.Equal(1, _fixture.Counters.Count);

        slot.Tenure.End();
        _fixture.Runtime.DropDisowned();

        Assert.Equal(0, _fixture.Counters.Count);
    }

    private OwnedSlot Own(Tenure? tenure = null)
    {
        if (tenure is null)
        {
            tenure = new Tenure(Guid.NewGuid(), _fixture.Time);
            tenure.Renew(_fixture.Time.GetTimestamp(), Lease);
        }

        var slot = new OwnedSlot(new Slot("counter", 0), tenure);
        _cluster.Hold(slot);
        return slot;
    }

    private Task AppendArrivedAsync() => _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
}
