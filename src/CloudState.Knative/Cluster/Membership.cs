using CloudState.Knative.Diagnostics;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Cluster;

/// <summary>
/// Makes this process one of the members that share the entities, and sees to it that a slot is owned by one of them at a time:
/// hashing proposes the owner, the table of slots decides, the store fences.
/// </summary>
/// <remarks>
/// <para>
/// The protocol. Each process looks at the cluster every <see cref="ClusterOptions.Renewal"/>, and at once when another one has announced a change:
/// </para>
/// <list type="number">
/// <item>It renews its lease, or joins as a new member if it is none. Members whose lease has ended are deleted by the first that looks;
/// with a member the rows of its slots go. From the members that are left follows who should own which slot (<see cref="ClusterSnapshot"/>).</item>
/// <item>Slots that another member should own are drained: no command enters them any more, those inside finish. Then their rows are
/// deleted, and the others told.</item>
/// <item>Slots that it should own are claimed by inserting their rows. A slot whose row is still there has not been released; there will
/// be an announcement when it is.</item>
/// </list>
/// <para>
/// Handover, by example. A owns slot 7; B joins and wins it. A looks, lets the two commands inside slot 7 finish, and deletes the row. B looks
/// and inserts its own. Commands for slot 7 that come meanwhile are sent to B, who keeps them until it has the slot. Crash: A
/// is gone, its row stays. When its lease has ended B deletes A, and the rows of A's slots with it, and claims slot 7.
/// </para>
/// <para>
/// Why there are never two writers. (a) A row of the slot table has one owner, who must be a member. (b) A process admits commands to a
/// slot only from after its claim was answered until before its release is sent. (c) Every transaction that appends locks the row of its
/// member against deletion and fails when that is gone. So a member is deleted, and its slots become free, only when no append of its is
/// in flight, and later ones fail: a paused process that wakes up cannot write. (d) When the answer to a claim or a release is lost,
/// the process does not guess: it ends its tenure and joins as a new member, which deletes the member that the late statement belongs to.
/// </para>
/// <para>
/// Why no read is stale. What is in memory is the latest state as long as no other process can own the slot, which is as long as the member
/// exists, which is at least until its lease ends. A process counts the lease from before it asked for it, on its own monotonic clock, less
/// <see cref="ClusterOptions.Margin"/>; an outcome that rests on memory alone is given out only if the lease holds after the handler has
/// run (<see cref="OwnedSlot.IsHeld"/>). This trusts clocks to run at about the same rate for the length of a lease; writes trust no clock.
/// </para>
/// </remarks>
internal sealed partial class Membership(
    IMemberStore store, ClusterState state, Func<Member> createMember, ClusterOptions options, StoreHealth health, TimeProvider time, ILogger<Membership> logger)
    : IAsyncDisposable
{
    private const int MaxIds = 32;

    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AfterExpiry = TimeSpan.FromMilliseconds(20);

    private readonly TaskCompletionSource _handedOver = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private TaskCompletionSource _nextLook = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _pause;
    private bool _isAwake;
    private volatile bool _isLeaving;
    private volatile bool _isStopping;
    private Task _looking = Task.CompletedTask;

    // Only the loop uses these: the ids under which the store may know this process, and the one under which it does.
    private readonly List<Guid> _ids = [];
    private Tenure? _tenure;
    private long? _missingSince;

    /// <summary>Starts to take part. Returns when the process is a member, or has found the store unavailable and will try again.</summary>
    /// <exception cref="InvalidOperationException">The cluster does not admit this process as it is configured.</exception>
    public async Task StartAsync() => _looking = RunAsync(await ReconcileAsync());

    /// <summary>Looks at the cluster now; completes after a look that began later than this call.</summary>
    public Task RequestReconcileAsync()
    {
        Task looked;
        CancellationTokenSource? pause;
        lock (_lock)
        {
            _isAwake = true;
            looked = _nextLook.Task;
            pause = _pause;
        }

        pause?.Cancel();
        return looked;
    }

    /// <summary>Leaves what this process owns to the others; returns when they can own it, or when there is no other. Goes on as a member.</summary>
    public async Task HandOverAsync(CancellationToken cancellationToken)
    {
        _isLeaving = true;
        _ = RequestReconcileAsync();
        await _handedOver.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Ends the membership once all commands inside its slots have finished. To be called once no command comes any more.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        if (_ids is not [.., var memberId])
        {
            return;
        }

        try
        {
            OwnedSlot[] owned = [.. state.Owned, .. state.Replicas];
            Array.ForEach(owned, slot => slot.StartDraining());
            foreach (var draining in owned)
            {
                await draining.Drained.WaitAsync(cancellationToken);
            }

            await store.LeaveAsync(memberId, cancellationToken);
            LogLeft(memberId);
        }
        catch (Exception unfinished) when (unfinished is StoreUnavailableException or OperationCanceledException)
        {
            LogNotLeft(memberId, unfinished.Message);
        }
        finally
        {
            EndTenure();
        }
    }

    /// <summary>Stops looking. The membership ends with its lease, unless <see cref="LeaveAsync"/> has ended it.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        _ = RequestReconcileAsync();
        await _looking;
    }

    private async Task RunAsync(TimeSpan? nextLook)
    {
        while (true)
        {
            await PauseAsync(nextLook);
            if (_isStopping)
            {
                return;
            }

            TaskCompletionSource look;
            lock (_lock)
            {
                look = _nextLook;
                _nextLook = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _isAwake = false;
            }

            try
            {
                nextLook = await ReconcileAsync();
            }
            catch (Exception failure)
            {
                LogFailed(failure);
                nextLook = null;
            }

            look.SetResult();
        }
    }

    /// <summary>Waits until it is time, a look is requested, or the store announces a change; while the store does not answer, only for the first two.</summary>
    private async Task PauseAsync(TimeSpan? nextLook)
    {
        // Never disposed: a request may come late. Its timer ends by itself.
        var pause = new CancellationTokenSource(nextLook ?? Retry, time);
        lock (_lock)
        {
            _pause = pause;
            if (_isAwake)
            {
                return;
            }
        }

        await (nextLook is not null ? store.WaitForChangeAsync(pause.Token) : Task.Delay(Timeout.InfiniteTimeSpan, time, pause.Token))
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    /// <summary>The three steps of the protocol. Returns when to look again; null when the store did not answer.</summary>
    private async Task<TimeSpan?> ReconcileAsync()
    {
        try
        {
            var members = await RenewAsync() ?? await JoinAsync();
            Publish(members.All);
            await ReleaseAsync(_tenure!);
            await ClaimAsync(_tenure!);
            if (state.Snapshot.Self is { IsLeaving: true } && state.Owned.All(slot => !slot.IsDraining))
            {
                _handedOver.TrySetResult();
            }

            return members.NextExpiry < options.Renewal ? members.NextExpiry + AfterExpiry : options.Renewal;
        }
        catch (FencedException)
        {
            LogExpelled(_ids[^1]);
            return AfterExpiry;
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            state.SignalChange();
            if (_tenure is not { IsValid: true })
            {
                _handedOver.TrySetResult();
            }

            return null;
        }
    }

    private async Task<MemberList?> RenewAsync()
    {
        if (_tenure is not { } tenure)
        {
            return null;
        }

        var sentAt = time.GetTimestamp();
        var wasValid = tenure.IsValid;
        var members = await store.RenewAsync(tenure.MemberId!.Value, _isLeaving, options.Lease, CancellationToken.None);
        if (members is null)
        {
            LogExpelled(tenure.MemberId.Value);
            EndTenure();
            return null;
        }

        tenure.Renew(sentAt, options.Lease - options.Margin);
        if (!wasValid)
        {
            CloudStateTelemetry.LeaseRenewedLate();
            LogRenewedLate(tenure.MemberId.Value);
        }

        return members;
    }

    private async Task<MemberList> JoinAsync()
    {
        // A new id for each attempt: one whose answer was lost may be carried out late, and must not undo this one.
        var self = createMember() with { IsLeaving = _isLeaving };
        var previousIds = _ids.ToArray();
        _ids.Add(self.Id);
        if (_ids.Count > MaxIds)
        {
            // Their leases have ended long ago.
            _ids.RemoveAt(0);
        }

        var sentAt = time.GetTimestamp();
        var (members, claimed) = await store.JoinAsync(self, previousIds, options.Lease, options.Slots, CancellationToken.None);
        _ids.RemoveRange(0, _ids.Count - 1);
        _tenure = new Tenure(self.Id, time);
        _tenure.Renew(sentAt, options.Lease - options.Margin);
        Hold(claimed, _tenure);
        state.HoldReplicas(_tenure, members.All.First(member => member.Id == self.Id).Seat);
        return members;
    }

    /// <summary>Drains the slots that others should own and releases those that are drained.</summary>
    private async Task ReleaseAsync(Tenure tenure)
    {
        var snapshot = state.Snapshot;
        foreach (var unwanted in state.Owned.Where(owned => !owned.IsDraining && snapshot.ProposedOwner(owned.Slot) != snapshot.Self))
        {
            unwanted.StartDraining();
            if (!unwanted.Drained.IsCompleted)
            {
                _ = ReconcileWhenDrainedAsync(unwanted);
            }
        }

        var drained = state.Owned.Where(owned => owned.Drained.IsCompleted).ToArray();
        if (drained.Length == 0)
        {
            return;
        }

        Array.ForEach(drained, state.Drop);
        await InTenureAsync(() => store.ReleaseAsync(tenure.MemberId!.Value, [.. drained.Select(owned => owned.Slot)], CancellationToken.None));
        CloudStateTelemetry.SlotsReleased(drained.Length);
        state.SignalChange();
    }

    private async Task ReconcileWhenDrainedAsync(OwnedSlot draining)
    {
        await draining.Drained;
        await RequestReconcileAsync();
    }

    private async Task ClaimAsync(Tenure tenure)
    {
        var missing = state.Snapshot.SlotsOfSelf().Where(slot => state.Find(slot) is null).ToArray();
        if (missing.Length == 0)
        {
            _missingSince = null;
            return;
        }

        _missingSince ??= time.GetTimestamp();
        IReadOnlyList<Slot> claimed = [];
        await InTenureAsync(async () => claimed = await store.ClaimAsync(tenure.MemberId!.Value, missing, CancellationToken.None));
        Hold(claimed, tenure);
        if (claimed.Count > 0)
        {
            state.SignalChange();
        }

        if (claimed.Count == missing.Length)
        {
            CloudStateTelemetry.HandedOver(time.GetElapsedTime(_missingSince.Value));
            _missingSince = null;
        }
    }

    /// <summary>When the answer to a claim or a release is lost it is not known what is owned: the tenure ends.</summary>
    private async Task InTenureAsync(Func<Task> change)
    {
        try
        {
            await change();
        }
        catch (Exception)
        {
            EndTenure();
            throw;
        }
    }

    private void Hold(IReadOnlyList<Slot> claimed, Tenure tenure)
    {
        foreach (var slot in claimed)
        {
            state.Hold(new OwnedSlot(slot, tenure));
        }

        CloudStateTelemetry.SlotsClaimed(claimed.Count);
    }

    private void EndTenure()
    {
        _tenure?.End();
        _tenure = null;
        _missingSince = null;
        foreach (var owned in state.Owned)
        {
            state.Drop(owned);
        }

        state.DropReplicas();
        state.Publish(state.Snapshot.WithoutSelf());
    }

    private void Publish(IReadOnlyList<Member> members)
    {
        var before = state.Snapshot;
        if (before.Self?.Id == _tenure!.MemberId && members.Select(Identity).SequenceEqual(before.Members.Select(Identity)))
        {
            return;
        }

        foreach (var left in before.Members.ExceptBy(members.Select(member => member.Id), member => member.Id))
        {
            LogMemberLeft(left.Id, left.Revision, left.Address, members.Count);
        }

        foreach (var joined in members.ExceptBy(before.Members.Select(member => member.Id), member => member.Id))
        {
            LogMemberJoined(joined.Id, joined.Revision, joined.Address, members.Count);
        }

        state.Publish(new ClusterSnapshot(members, _tenure.MemberId, options.Slots));

        static (Guid Id, bool IsLeaving) Identity(Member member) => (member.Id, member.IsLeaving);
    }
}
