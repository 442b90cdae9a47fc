using System.Collections.Frozen;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Crdts;
using CloudState.Knative.Storage;
using Grpc.Core;

namespace CloudState.Knative.Runtime;

/// <summary>Executes commands on the entities that this process owns.</summary>
internal sealed class EntityRuntime : IAsyncDisposable
{
    private readonly FrozenDictionary<string, ActivationTable> _tables;
    private readonly JournalWriter _journal;
    private readonly TimeProvider _time;

    public EntityRuntime(IReadOnlyDictionary<string, ActivationTable> tables, JournalWriter journal, TimeProvider time)
    {
        _tables = tables.ToFrozenDictionary();
        _journal = journal;
        _time = time;
    }

    public IEnumerable<KeyValuePair<string, ActivationTable>> Tables => _tables;

    /// <summary>Runs a command that has entered its slot, and lets it leave. Whatever happens, the outcome is a value.</summary>
    public ValueTask<CallOutcome> ExecuteAsync(Command command, EnteredSlot slot, DateTimeOffset deadline)
    {
        switch (_tables[command.Entity.Type].Enqueue(command, slot, deadline, out var pending))
        {
            case Admission.NotOwner:
                slot.Leave();
                return new(CallOutcome.NotOwner);
            case Admission.MailboxFull:
                slot.Leave();
                return new(CallOutcome.Failed(StatusCode.ResourceExhausted, $"Too many commands wait for {command.Entity}. Try again later."));
            default:
                return pending!.Released.IsCompletedSuccessfully ? new(pending.Released.Result) : AwaitAsync(pending);
        }
    }

    /// <summary>Waits for a change of an entity. Null when it has changed already, or is not in memory.</summary>
    public StateWatch? TryWatch(EntityId key, long seenVersion) => _tables[key.Type].TryWatch(key, seenVersion);

    /// <summary>Merges what another process has added to a replicated entity. Returns false if something before that is missing, which the store has.</summary>
    public async ValueTask<bool> TryMergeAsync(ReplicaUpdate update) =>
        !_tables.TryGetValue(update.EntityType, out var table)
        || table.TryMerge(Command.Merge(update)) is not { } pending
        || (await pending.Released).Reply is not MergeResult { IsIncomplete: true };

    /// <summary>Whether a replicated entity has a change already, or is not in memory.</summary>
    public bool HasSeen(string entityType, ReplicaNews news) => !_tables.TryGetValue(entityType, out var table) || table.HasSeen(news);

    /// <inheritdoc cref="ActivationTable.LevelOf"/>
    public CrdtLevel LevelOf(Command command) => _tables[command.Entity.Type].LevelOf(command.Definition);

    /// <summary>Lets what rests on a past ownership leave memory.</summary>
    public void DropDisowned()
    {
        foreach (var table in _tables.Values)
        {
            table.DropDisowned();
        }
    }

    /// <summary>Lets half of the entities leave memory: those first that were never written, then those that were not used for longest.</summary>
    public void PassivateHalf()
    {
        foreach (var table in _tables.Values)
        {
            table.PassivateHalf();
        }
    }

    /// <summary>Stores what has been decided and stops.</summary>
    public ValueTask DisposeAsync() => _journal.DisposeAsync();

    private async ValueTask<CallOutcome> AwaitAsync(PendingCommand pending)
    {
        try
        {
            var timeLeft = pending.Deadline - _time.GetUtcNow();
            return await pending.Released.WaitAsync(timeLeft > TimeSpan.Zero ? timeLeft : TimeSpan.Zero, _time, pending.Command.CallCancelled);
        }
        catch (TimeoutException)
        {
            pending.Abandon();
            return CallOutcome.TooLate;
        }
        catch (OperationCanceledException)
        {
            pending.Abandon();
            return CallOutcome.CallerGone;
        }
    }
}
