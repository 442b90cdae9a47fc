using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.Memory;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>Reads entities of one type from the store, and how far they have come in streams of events.</summary>
internal sealed class EntityLoader(
    EntityModel model, EntityEnvironment environment, bool isJournaled, IEntityStore store, StoreHealth health, CallLimits limits, MemoryLimit memory, TimeProvider time)
{
    // What is read, its text, and the message.
    private const int CopiesOfState = 4;

    // Of the largest entity of late.
    private long _storedSize;

    /// <summary>Starts a new incarnation of an entity: latest snapshot, later events, ids of recent commands.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    /// <exception cref="OutOfMemoryException">There is too little memory.</exception>
    public async Task<LoadedEntity> LoadAsync(Command command)
    {
        using var span = CloudStateTelemetry.StartEntity("load", command.Entity.Type, command.Entity.Key, ActivityKind.Client, command.Trace);
        var started = Stopwatch.GetTimestamp();
        StoredEntity stored;
        var reserved = memory.Reserve(_storedSize * CopiesOfState);
        if (reserved < 0)
        {
            throw new OutOfMemoryException();
        }

        try
        {
            var window = new CommandIdWindow(limits.MaxCommandIds, time.GetUtcNow() - limits.CommandIdRetention);
            stored = await store.LoadAsync(command.Entity, model.StoredAs, window, CancellationToken.None);
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            throw;
        }
        finally
        {
            memory.Release(reserved);
        }

        _storedSize = Math.Max(_storedSize - (_storedSize / 16), stored.Size);
        var commandIds = new RecentCommandIds(limits.MaxCommandIds, limits.CommandIdRetention);
        commandIds.AddRange(stored.RecentCommands);
        var loaded = new LoadedEntity(model.Restore(stored, environment), commandIds, limits.MaxCommandIds) { Adopted = isJournaled ? stored.Adopted : [] };
        loaded.Instance.StateSize = stored.Size;
        CloudStateTelemetry.Loaded(command.Entity.Type, stored.Events.Count, Stopwatch.GetElapsedTime(started));
        return loaded;
    }

    /// <summary>The recorded outcome of a command id; null if there is no record. One that is no longer kept is removed, so that the id can be used again.</summary>
    public async ValueTask<CallOutcome?> FindRecordedAsync(PendingCommand pending, string commandId)
    {
        try
        {
            var entity = pending.Command.Entity;
            var record = await store.FindCommandAsync(entity, commandId, CancellationToken.None);
            if (record is null && CommandIds.FormerOf(commandId).ToString() is { Length: > 0 } former)
            {
                record = await store.FindCommandAsync(entity, former, CancellationToken.None);
            }

            var keptSince = time.GetUtcNow() - limits.CommandIdRetention;
            if (record?.HandledAt < keptSince)
            {
                await store.ForgetAsync(keptSince, CancellationToken.None);
                return null;
            }

            return record is null ? null : RecordedOutcome.Of(record, pending.Command, pending.Fingerprint, pending.Activation.Slot.Slot);
        }
        catch (StoreUnavailableException)
        {
            return CallOutcome.StoreUnavailable;
        }
    }

    /// <summary>The outcome of an out-of-sequence command; null if the command is next in its stream and must be handled.</summary>
    public async ValueTask<CallOutcome?> FindOutOfOrderAsync(Command command, LoadedEntity entity)
    {
        if (command.Order is not { } order)
        {
            return null;
        }

        try
        {
            var position = entity.PositionIn(order.Stream) ?? entity.StartIn(order.Stream, await FindSequenceAsync(command.Entity, order));
            if (order.HoldBack is not { } holdBack)
            {
                return order.Sequence <= position.Last ? CallOutcome.Replied(command.Definition.Rpc.OutputType.Parse(ByteString.Empty)) : null;
            }

            if (order.Sequence <= position.Last + 1)
            {
                return null;
            }

            position.GapSince ??= time.GetTimestamp();
            return time.GetElapsedTime(position.GapSince.Value) >= holdBack ? null : CallOutcome.HeldBack(order, position.Last);
        }
        catch (StoreUnavailableException)
        {
            return CallOutcome.StoreUnavailable;
        }
    }

    private async Task<long> FindSequenceAsync(EntityId entity, EventOrder order)
    {
        var last = await store.FindSequenceAsync(entity, order.Stream, CancellationToken.None);
        return last == 0 && order.FormerStream is { } former ? await store.FindSequenceAsync(entity, former, CancellationToken.None) : last;
    }
}
