using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Crdts;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Grpc.Core;

namespace CloudState.Knative.Runtime;

/// <summary>
/// One entity in memory: a mailbox and, once loaded, its state. Commands run one after another; none blocks a thread while it waits. A
/// command that finds the entity idle runs on the thread that brings it, the others run on the thread pool.
/// </summary>
/// <remarks>
/// <para>
/// Running ahead: when a command has emitted events, their append goes to the journal and the next command starts at once, on the
/// state that is not stored yet. Its outcome is held back in <see cref="HeldOutcomes"/> until everything before it is stored, so that
/// no caller ever sees what a crash could take back. Example: AddItem (append 1), GetCart, AddItem (append 2) arrive together. All three
/// run; GetCart's reply leaves when append 1 is stored, the last one's when append 2 is.
/// </para>
/// <para>
/// When append 1 fails, the loaded state is discarded, and with it everything that is not released. If another writer
/// was faster, all three are run again, in their order, on the state as the store has it. If the store is not available the
/// outcome is unknown, and all three are answered so. If this process does not own the entity any more, all three go to the new owner.
/// </para>
/// </remarks>
internal sealed class Activation(ActivationTable table, EntityId key, OwnedSlot slot) : IThreadPoolWorkItem
{
    private const int MaxConflicts = 3;

    // Some four microseconds in all.
    private const int MaxSpins = 20;
    private const int SpinLength = 5;

    private readonly Lock _lock = new();
    private readonly Mailbox _mailbox = new();
    private readonly HeldOutcomes _held = new();
    private readonly StateWatches _watches = new();
    private LoadedEntity? _entity;
    private bool _isRunning;
    private bool _isPassivated;
    private bool _isKept;
    private long _arrivals;
    private LocalChanges? _local;
    private bool _isFlushDue;

    // Commands from their arrival to the release of their outcome, without the polls of streams.
    private int _waiting;

    public EntityId Id { get; } = key;

    /// <summary>The ownership that the state in memory rests on.</summary>
    public OwnedSlot Slot { get; } = slot;

    /// <summary>When the last command arrived, as a timestamp of the <see cref="TimeProvider"/>.</summary>
    public long LastUsed { get; private set; } = table.Time.GetTimestamp();

    public bool IsBusy
    {
        get
        {
            lock (_lock)
            {
                return _isRunning || _isFlushDue || _held.Any || _watches.Any;
            }
        }
    }

    /// <summary>Whether the entity, as far as is known, was never written.</summary>
    public bool IsUnwritten => _entity is not { Version: > 0 };

    /// <summary>Puts a command into the mailbox, if it has room and the entity has not left memory meanwhile.</summary>
    public Admission TryEnqueue(Command command, OwnedSlot home, DateTimeOffset deadline, out PendingCommand? pending)
    {
        pending = null;
        bool runsNow;
        SpinUntilIdle();
        lock (_lock)
        {
            if (_isPassivated)
            {
                return Admission.Passivated;
            }

            if (command.Counts)
            {
                if (Volatile.Read(ref _waiting) >= table.Options.MailboxSize)
                {
                    return Admission.MailboxFull;
                }

                Interlocked.Increment(ref _waiting);
            }

            LastUsed = command.IsUpkeep ? LastUsed : table.Time.GetTimestamp();
            pending = new PendingCommand(this, command, home, _arrivals++, deadline);
            // Nothing waits when nothing runs.
            runsNow = !_isRunning;
            _isRunning = true;
            if (!runsNow)
            {
                _mailbox.Enqueue(pending);
            }
        }

        if (runsNow)
        {
            _ = RunNowAsync(pending);
        }

        return Admission.Accepted;
    }

    /// <summary>Most handlers take a microsecond: less than it costs a command to wait for its turn on the thread pool. A command that is the next waits for a moment on its thread.</summary>
    private void SpinUntilIdle()
    {
        for (var look = 0; look < MaxSpins && Volatile.Read(ref _isRunning) && _mailbox.IsEmpty; look++)
        {
            Thread.SpinWait(SpinLength);
        }
    }

    /// <summary>A command's outcome was released: it leaves the mailbox and the slot.</summary>
    public void CommandLeft(PendingCommand pending)
    {
        if (pending.Command.Counts)
        {
            Interlocked.Decrement(ref _waiting);
        }

        if (pending.Outcome.IsOk && (pending.Command.IsMerge || pending.Level == CrdtLevel.Local))
        {
            _watches.SignalChange(pending.Outcome.Version);
        }

        if (_local is null || !TryKeepSlot(pending, _local))
        {
            new EnteredSlot(Slot, pending.Home).Leave();
        }
        else if (pending.Home != Slot)
        {
            pending.Home.Leave();
        }
    }

    /// <summary>A command whose changes are stored later leaves its place in the slot to what stores them.</summary>
    private bool TryKeepSlot(PendingCommand pending, LocalChanges local)
    {
        lock (_lock)
        {
            var isFlush = pending.Command.IsFlush;
            if (_isFlushDue && !isFlush)
            {
                return false;
            }

            _isFlushDue = local.Count > 0;
            if (_isFlushDue)
            {
                table.Flush.Add(this);
            }

            if (isFlush)
            {
                table.Flush.Done();
            }

            return _isFlushDue;
        }
    }

    /// <summary>Stores what was changed and not stored.</summary>
    public void StoreLocal()
    {
        if (Slot.IsOver)
        {
            table.Flush.Lost(Id, _local!.Count);
        }
        else
        {
            TryEnqueue(Command.Flush(Id), Slot, DateTimeOffset.MaxValue, out _);
        }
    }

    /// <summary>Waits for a change of what is stored. Null when that is not, or no longer, at the version that was seen.</summary>
    public StateWatch? TryWatch(long seenVersion)
    {
        lock (_lock)
        {
            return _isPassivated ? null : _watches.TryAdd(seenVersion);
        }
    }

    /// <summary>Whether a replicated entity has a change already, or is not loaded.</summary>
    public bool HasSeen(ReplicaNews news) => _entity?.Instance.HasSeen(news) ?? true;

    /// <summary>Leaves memory, if nothing is going on. From then on no command is admitted.</summary>
    public bool TryPassivate()
    {
        lock (_lock)
        {
            _isPassivated |= !IsBusy;
            return _isPassivated;
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAllAsync();

    private void StartWhenIdle()
    {
        if (!_isRunning && !_mailbox.IsEmpty)
        {
            _isRunning = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private async ValueTask RunNowAsync(PendingCommand pending)
    {
        await RunAsync(pending);
        lock (_lock)
        {
            _isRunning = false;
            StartWhenIdle();
            KeepOrLeave();
        }
    }

    private async Task RunAllAsync()
    {
        while (TakeNext() is { } pending)
        {
            await RunAsync(pending);
        }
    }

    private async ValueTask RunAsync(PendingCommand pending)
    {
        try
        {
            await HandleAsync(pending);
        }
        catch (Exception failure)
        {
            _entity = null;
            pending.Release(table.Runner.Failed(pending.Command, failure));
        }
    }

    private PendingCommand? TakeNext()
    {
        lock (_lock)
        {
            if (_mailbox.TryTake(out var next))
            {
                return next;
            }

            _isRunning = false;
            KeepOrLeave();
            return null;
        }
    }

    /// <summary>What does not exist in the store is not kept in memory: there is no end of it.</summary>
    private void KeepOrLeave()
    {
        if (_isKept)
        {
            return;
        }

        if (!IsBusy && (_entity is null || _entity.IsBlank))
        {
            _isPassivated = true;
            table.Remove(this);
            return;
        }

        _isKept = true;
        table.Keep(this);
    }

    private async ValueTask HandleAsync(PendingCommand pending)
    {
        pending.DuplicateOf = null;
        SetLevel(pending);
        if (pending.IsAbandoned)
        {
            pending.Release(CallOutcome.Failed(StatusCode.DeadlineExceeded, "The caller left before the command started."));
            return;
        }

        if (!Slot.IsHeld)
        {
            pending.Release(CallOutcome.NotOwner);
            return;
        }

        if (pending.Command.IsMerge && _entity is not { IsDiscarded: false })
        {
            // Whoever loads it gets that, too.
            pending.Release(CallOutcome.Replied(new MergeResult()));
            return;
        }

        // 1. The state: in memory already, or loaded once nothing of an earlier life is on its way to the store.
        var entity = _entity;
        if (entity is null || entity.IsDiscarded)
        {
            await AllReleasedAsync();
            if (YieldsToEarlier(pending))
            {
                return;
            }

            try
            {
                entity = _entity = await table.Loader.LoadAsync(pending.Command);
                if (_local is not null)
                {
                    entity.Instance.TakeOver(_local);
                }

                _watches.SignalChange(entity.Version);
            }
            catch (StoreUnavailableException)
            {
                ReleaseAll(pending, CallOutcome.StoreUnavailable);
                return;
            }
        }

        if (pending.IsPoll && entity.Instance.TryRenew())
        {
            _watches.SignalChange(entity.Version);
        }

        if (pending.Command.SeenVersion == entity.Version)
        {
            pending.Outcome = CallOutcome.Unchanged;
            ReleaseInOrder(pending, entity, append: null);
            return;
        }

        // 2. A duplicate gets the original outcome; an out-of-order command is rejected or held back.
        var known = pending.Command.CommandId is { } commandId ? await FindFirstOutcomeAsync(pending, entity, commandId) : null;
        if ((known ?? await table.Loader.FindOutOfOrderAsync(pending.Command, entity)) is { } outcome)
        {
            pending.Outcome = outcome;
            ReleaseInOrder(pending, entity, append: null);
            return;
        }

        // 3. The handler; then the journal, and on to the next command without waiting for it.
        var decision = await table.Runner.RunAsync(pending, entity);
        _local ??= entity.Instance.Local;
        if (!decision.KeepsState)
        {
            _entity = null;
        }

        ReleaseInOrder(pending, entity, decision.Append);
    }

    /// <summary>What an outcome vouches for that others wait for is not less than what those vouch for.</summary>
    private void SetLevel(PendingCommand pending)
    {
        if (table.HasLevels)
        {
            lock (_lock)
            {
                pending.MayBeLocal = pending.Command.CommandId is null && !_held.AnyAwaited;
            }
        }

        var level = table.LevelOf(pending.Command.Definition);
        pending.Level = level > CrdtLevel.Local || pending.MayBeLocal ? level : CrdtLevel.Durable;
    }

    private async ValueTask<CallOutcome?> FindFirstOutcomeAsync(PendingCommand pending, LoadedEntity entity, string commandId)
    {
        pending.Fingerprint = MessageFingerprint.Of(pending.Command.Message);

        // The store keeps more ids than memory: after a conflict it is asked whether this one was the cause.
        if (pending.Conflicts == 0 && !entity.CommandIds.MayContain(commandId, table.Time.GetUtcNow()))
        {
            return null;
        }

        lock (_lock)
        {
            if (_held.FindUnderWay(commandId) is { } first)
            {
                if (first.Command.Definition != pending.Command.Definition || !MessageFingerprint.Matches(first.Fingerprint, pending.Command.Message, pending.Fingerprint))
                {
                    return CallOutcome.IdReused(commandId, first.Command.Definition.FullName);
                }

                pending.DuplicateOf = first;
                return first.Outcome;
            }
        }

        return await table.Loader.FindRecordedAsync(pending, commandId);
    }

    /// <summary>Releases an outcome once everything it depends on is stored: its own append and those before it.</summary>
    private void ReleaseInOrder(PendingCommand pending, LoadedEntity entity, PendingAppend? append)
    {
        lock (_lock)
        {
            if (entity.IsDiscarded)
            {
                // An append failed while the handler ran: the state that it saw never was.
                _mailbox.RunAgain(pending);
                return;
            }

            if (append is null && (pending.Level == CrdtLevel.Local || !_held.Any))
            {
                ReleaseWithoutAppend(pending);
                return;
            }

            pending.AwaitsAppend = append is not null;
            _held.Hold(pending);
        }

        if (append is not null)
        {
            table.Journal.Append(append);
        }
    }

    /// <summary>Nothing in the store vouches for this outcome: it is good only if no other writer can have changed the entity since the handler looked.</summary>
    private void ReleaseWithoutAppend(PendingCommand pending) =>
        pending.Release(Slot.IsHeld || pending.Level == CrdtLevel.Local ? pending.Outcome : CallOutcome.NotOwner);

    /// <summary>The journal has stored the append: its outcome may leave, and those behind it that wait for nothing else.</summary>
    public void AppendSucceeded(PendingAppend append)
    {
        lock (_lock)
        {
            append.Pending.AwaitsAppend = false;
            if (append.Append.State is ReplicaChange change)
            {
                NoteStored(append.Pending, change);
            }

            if (_local is not { Count: > 0 })
            {
                // Otherwise the latest version, which is not stored yet, was signalled.
                _watches.SignalChange(append.Append.State.NewVersion);
            }

            table.OnCommitted(append);
            _held.ReleaseStored();
        }
    }

    private void NoteStored(PendingCommand pending, ReplicaChange change)
    {
        var (seat, number) = change.Deltas is [.., var last] ? (last.Seat, last.Number) : (0, 0);
        _local?.Stored(change.Epoch, number);
        if (pending.Level == CrdtLevel.Everywhere && change.NewVersion > change.ExpectedVersion)
        {
            pending.Outcome = pending.Outcome with { Unmerged = new ReplicaNews(Id.Key, change.Epoch, seat, number) };
        }
    }

    /// <summary>The journal could not store the append: all that was decided since on this state is run again or fails.</summary>
    public void AppendFailed(PendingAppend append, Exception failure)
    {
        lock (_lock)
        {
            append.Entity.Discard();
            _held.Lose(lost => ReleaseLost(lost, append, failure));
            StartWhenIdle();
        }
    }

    private void ReleaseLost(PendingCommand lost, PendingAppend append, Exception failure)
    {
        if (failure is FencedException)
        {
            lost.Release(CallOutcome.NotOwner);
        }
        else if (failure is StoreUnavailableException)
        {
            lost.Release(CallOutcome.StoreLost);
        }
        else if (failure is VersionConflictException && ++lost.Conflicts > MaxConflicts)
        {
            lost.Release(CallOutcome.Failed(StatusCode.Aborted, $"Another writer keeps changing {Id}. Try again."));
        }
        else if (failure is not VersionConflictException && lost == append.Pending)
        {
            lost.Release(table.Runner.Failed(lost.Command, failure));
        }
        else
        {
            _mailbox.RunAgain(lost);
        }
    }

    private Task AllReleasedAsync()
    {
        lock (_lock)
        {
            return _held.AllReleased;
        }
    }

    /// <summary>True when earlier commands are to be run again first; the command then waits behind them.</summary>
    private bool YieldsToEarlier(PendingCommand pending)
    {
        lock (_lock)
        {
            if (!_mailbox.RunsEarlierAgain(pending))
            {
                return false;
            }

            _mailbox.RunAgain(pending);
            return true;
        }
    }

    private void ReleaseAll(PendingCommand current, CallOutcome outcome)
    {
        current.Release(outcome);
        lock (_lock)
        {
            while (_mailbox.TryTake(out var waiting))
            {
                waiting.Release(outcome);
            }
        }
    }
}
