using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Hosting;
using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Ownership;

/// <summary>What counts as the duration of a handover. Other tests measure some in this process too: those here have durations of their own.</summary>
public sealed class HandoverDurationTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly Slot Slot = new("cart", 0);

    private readonly FakeTimeProvider _time = new();
    private readonly RingState _state = new(["cart"], slotsPerType: 1);
    private readonly ScriptedMemberStore _store = new();
    private readonly Membership _membership;
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<double> _durations = new();
    private readonly Member _other = new(Guid.NewGuid(), "", "", "", new Dictionary<string, int> { ["cart"] = 1 });
    private Member _self = null!;

    public HandoverDurationTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == CloudStateTelemetry.Name && instrument.Name == "cloudstate.ring.handover.duration")
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
        while (new Ring([_self, _other], null, 1).ProposedOwner(Slot) != _self);
        _store.Members = [_self, _other];
        _membership = new Membership(
            _store, _state, () => _self, new RingOptions { Slots = 1, Lease = TimeSpan.FromDays(300) }, new StoreHealth(NullLogger<StoreHealth>.Instance), _time, NullLogger<Membership>.Instance);
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

    private async Task ClaimAsync()
    {
        _store.IsFree = true;
        await LookAsync();
        Assert.NotNull(_state.Find(Slot));
    }

    private Task LookAsync() => _membership.LookNowAsync().WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <summary>Has the members that the test says, and slots that are free or not.</summary>
    private sealed class ScriptedMemberStore : IMemberStore
    {
        public IReadOnlyList<Member> Members { get; set; } = [];

        public bool IsFree { get; set; }

        public Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(
            Member member, IReadOnlyList<Guid> previousIds, TimeSpan lease, int slots, CancellationToken cancellationToken) =>
            Task.FromResult<(MemberList, IReadOnlyList<Slot>)>((new MemberList(Members, null), []));

        public Task<MemberList?> RenewAsync(Guid memberId, bool isLeaving, TimeSpan lease, CancellationToken cancellationToken) =>
            Task.FromResult<MemberList?>(new MemberList(Members, null));

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
}
