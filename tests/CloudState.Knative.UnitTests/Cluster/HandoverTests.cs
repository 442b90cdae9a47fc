using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using CloudState.Knative.Cluster;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>When a handover ends, and what counts as its duration. Other tests measure some in this process too: those here have durations of their own.</summary>
public sealed class HandoverTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly Slot Slot = new("cart", 0);

    private readonly FakeTimeProvider _time = new();
    private readonly ClusterState _state = new(["cart"], slotsPerType: 1);
    private readonly ScriptedMemberStore _store = new();
    private readonly Membership _membership;
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<double> _durations = new();
    private readonly Member _other = new(Guid.NewGuid(), "", "", "", new Dictionary<string, int> { ["cart"] = 1 });
    private Member _self = null!;

    public HandoverTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == CloudStateTelemetry.Name && instrument.Name == "cloudstate.cluster.handover.duration")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => _durations.Enqueue(seconds));
        _listener.Start();

        // An id that wins the only slot over the other's.
        do
        {
            _self = _other with { Id = Guid.NewGuid() };
        }
        while (new ClusterSnapshot([_self, _other], null, 1).ProposedOwner(Slot) != _self);
        _store.Members = [_self, _other];
        _membership = new Membership(
            _store, _state, () => _self, new ClusterOptions { Slots = 1, Lease = TimeSpan.FromDays(300) }, new StoreHealth(NullLogger<StoreHealth>.Instance), _time, NullLogger<Membership>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await _membership.DisposeAsync().AsTask().WaitAsync(Patience);
        _listener.Dispose();
    }

    [Fact]
    public async Task Handover_LastsFromLearningOfASlotUntilOwningIt()
    {
        await _membership.StartAsync();
        _time.Advance(TimeSpan.FromSeconds(123_456));
        Assert.Null(_state.Find(Slot));

        await ClaimAsync();

        Assert.Contains(123_456d, _durations);
    }

    [Fact]
    public async Task SlotThatIsWonByAnotherMeanwhile_IsWaitedForNoLonger()
    {
        await _membership.StartAsync();
        _time.Advance(TimeSpan.FromSeconds(234_567));
        _store.Members = [_self with { IsLeaving = true }, _other];
        await LookAsync();
        _time.Advance(TimeSpan.FromSeconds(345_678));

        _store.Members = [_self, _other];
        await LookAsync();
        _time.Advance(TimeSpan.FromSeconds(456_789));
        await ClaimAsync();

        Assert.Contains(456_789d, _durations);
        Assert.DoesNotContain(_durations, seconds => seconds > 456_789d);
    }

    [Fact]
    public async Task LookThatBeganBeforeThePodLeft_DoesNotEndTheHandover()
    {
        await _membership.StartAsync();
        await ClaimAsync();
        var (first, second) = (_store.HoldRenewal(), _store.HoldRenewal());
        _ = _membership.RequestReconcileAsync();
        await first.Arrived.WaitAsync(Patience, TestContext.Current.CancellationToken);

        var handover = _membership.HandOverAsync(TestContext.Current.CancellationToken);
        first.Release();
        await second.Arrived.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.False(handover.IsCompleted);
        Assert.NotNull(_state.Find(Slot));

        second.Release();
        await handover.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Null(_state.Find(Slot));
    }

    private async Task ClaimAsync()
    {
        _store.IsFree = true;
        await LookAsync();
        Assert.NotNull(_state.Find(Slot));
    }

    private Task LookAsync() => _membership.RequestReconcileAsync().WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <summary>Has the members that the test says, and slots that are free or not.</summary>
    private sealed class ScriptedMemberStore : IMemberStore
    {
        private readonly ConcurrentQueue<HeldRenewal> _held = new();

        public IReadOnlyList<Member> Members { get; set; } = [];

        public bool IsFree { get; set; }

        public HeldRenewal HoldRenewal()
        {
            var held = new HeldRenewal();
            _held.Enqueue(held);
            return held;
        }

        public Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(
            Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots, CancellationToken cancellationToken) =>
            Task.FromResult<(MemberList, IReadOnlyList<Slot>)>((new MemberList(Members, null), []));

        public async Task<MemberList?> RenewAsync(Guid memberId, bool isLeaving, TimeSpan lease, CancellationToken cancellationToken)
        {
            if (_held.TryDequeue(out var held))
            {
                await held.PassAsync();
            }

            return new MemberList([.. Members.Select(member => member.Id == memberId ? member with { IsLeaving = member.IsLeaving || isLeaving } : member)], null);
        }

        public Task<IReadOnlyList<Slot>> ClaimAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) =>
            Task.FromResult(IsFree ? slots : []);

        public Task ReleaseAsync(Guid memberId, IReadOnlyList<Slot> slots, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task LeaveAsync(Guid memberId, CancellationToken cancellationToken) => Task.CompletedTask;

        public async Task WaitForChangeAsync(CancellationToken cancellationToken)
        {
            var never = new TaskCompletionSource();
            await never.Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>A renewal that is not answered until the test says so.</summary>
    private sealed class HeldRenewal
    {
        private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Arrived => _arrived.Task;

        public void Release() => _released.SetResult();

        public Task PassAsync()
        {
            _arrived.SetResult();
            return _released.Task;
        }
    }
}
