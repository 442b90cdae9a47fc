using System.Diagnostics;
using System.IO.Hashing;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.Journal;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Runtime;

/// <summary>Loads entities of one type and runs their command handlers.</summary>
internal sealed partial class CommandRunner(
    EntityDefinition definition, Func<Entity> createInstance, StoredTypes types, CallTargets targets, TopicEvents publications, IReadOnlyList<JournalSubscription> subscriptions, IEntityStore store, StoreHealth health,
    CloudStateOptions options, EntityOptions entityOptions, TimeProvider time, ILogger logger)
{
    private readonly StoragePolicy _policy = new(
        definition.Kind,
        definition.Snapshots,
        definition.Attribute is EventSourcedEntityAttribute { SnapshotEvery: not 0 } attribute ? attribute.SnapshotEvery : entityOptions.SnapshotEvery,
        entityOptions.TimeToLive,
        options.MaxCommandIds);

    /// <summary>Starts a new life of an entity: latest snapshot, later events, ids of recent commands.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<LoadedEntity> LoadAsync(Command command)
    {
        using var activity = CloudStateTelemetry.StartLoad(command);
        var started = Stopwatch.GetTimestamp();
        StoredEntity stored;
        try
        {
            var window = new CommandIdWindow(options.MaxCommandIds, time.GetUtcNow() - options.CommandIdRetention);
            stored = await store.LoadAsync(command.Entity, definition.Kind, window, CancellationToken.None);
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            throw;
        }

        var commandIds = new RecentCommandIds(options.MaxCommandIds, options.CommandIdRetention);
        var loaded = LoadedEntity.Restore(definition, createInstance(), stored, commandIds);
        CloudStateTelemetry.Loaded(command, stored, Stopwatch.GetElapsedTime(started));
        return loaded;
    }

    /// <summary>What a command is answered that is not the next one of its stream; null when it is to be handled.</summary>
    public async ValueTask<CallOutcome?> FindOutOfOrderAsync(Command command, LoadedEntity entity)
    {
        if (command.Order is not { } order)
        {
            return null;
        }

        try
        {
            var position = entity.PositionIn(order.Stream) ?? entity.StartIn(order.Stream, await store.FindSequenceAsync(command.Entity, order.Stream, CancellationToken.None));
            if (order.HoldBack is not { } holdBack)
            {
                return order.Sequence <= position.Last ? CallOutcome.Replied(command.Definition.Rpc.OutputType.Parser.ParseFrom(ByteString.Empty)) : null;
            }

            if (order.Sequence <= position.Last + 1)
            {
                return null;
            }

            position.GapSince ??= time.GetTimestamp();
            return time.GetElapsedTime(position.GapSince.Value) >= holdBack ? null : CallOutcome.HeldBack(order, position.Last);
        }
        catch (StoreUnavailableException unavailable)
        {
            return CallOutcome.StoreUnavailable(unavailable.Message);
        }
    }

    /// <summary>
    /// Runs the handler and sets the command's outcome. Returns what is to be stored, if anything, and whether the state in memory
    /// is still what the store will have: it is not when the handler made changes that are not kept, or failed half-way.
    /// </summary>
    public async ValueTask<(PendingAppend? Append, bool KeepsState)> RunAsync(PendingCommand pending, LoadedEntity entity)
    {
        var command = pending.Command;
        using var activity = CloudStateTelemetry.StartHandle(command);
        using var limit = new TimeLimit(time, pending.Deadline, command.CallCancelled);
        entity.ExpireIfDue(time.GetUtcNow());
        var context = new CommandContext(
            definition, command.Definition.Rpc, entity.Instance, types, targets, command.Entity.Key, entity.Version, command.CommandId, command.Metadata, limit.GetToken);

        IMessage? reply;
        try
        {
            var handling = command.Definition.Handler(entity.Instance, command.Message, context);
            reply = handling.IsCompleted ? await handling : await handling.AsTask().WaitAsync(limit.Remaining, time);
            command.Definition.CheckAnswer(reply, context);
        }
        catch (OperationCanceledException) when (command.CallCancelled.IsCancellationRequested)
        {
            pending.Outcome = CallOutcome.Failed(StatusCode.Cancelled, "The caller cancelled the command.");
            return (null, KeepsState: false);
        }
        catch (Exception timedOut) when (timedOut is TimeoutException or OperationCanceledException && limit.HasPassed)
        {
            LogTimedOut(command.Definition.FullName, command.Entity);
            pending.Outcome = CallOutcome.Failed(StatusCode.DeadlineExceeded, $"{command.Definition.FullName} did not finish within its time limit; nothing was stored.");
            return (null, KeepsState: false);
        }
        catch (Exception failure)
        {
            pending.Outcome = Failed(command, failure);
            return (null, KeepsState: false);
        }
        finally
        {
            context.Close();
        }

        return context.Failure is { } rejection
            ? (Reject(pending, entity, rejection), KeepsState: !context.HasChanges)
            : (Accept(pending, entity, context, reply), KeepsState: true);
    }

    private PendingAppend? Reject(PendingCommand pending, LoadedEntity entity, Status rejection)
    {
        var command = pending.Command;
        pending.Outcome = CallOutcome.Rejected(rejection);
        if (command.CommandId is null || command.HasGeneratedId || rejection.StatusCode.IsTransient() || command.Order is { HoldBack: null })
        {
            // Nothing to remember; or the handler wants the same command to be tried again, or people may want it, who find the event parked.
            return null;
        }

        var record = pending.Outcome.ToRecord(command, pending.Fingerprint, Now());
        return new PendingAppend(pending, entity, WithOrder(entity.Remember(command.Entity, record, _policy), command, entity), []);
    }

    private PendingAppend? Accept(PendingCommand pending, LoadedEntity entity, CommandContext context, IMessage? reply)
    {
        var command = pending.Command;
        PlannedCall[] effects = context.Effects.Count == 0 ? [] : [.. context.Effects.Select(effect => Plan(pending, effect))];
        var forward = context.ForwardTo is { } call ? new PlannedCall(NewId().ToString("N"), call, IsSynchronous: true) : null;
        var followUp = FollowUpCalls.Of(effects.Where(effect => effect.IsSynchronous), forward);
        pending.Outcome = forward is null
            ? CallOutcome.Replied(reply!) with { Version = entity.Version, Metadata = context.ReplyEntries, FollowUp = followUp }
            : CallOutcome.WithoutReply(followUp!);

        OutboxEntry[] events = command.Definition.OutTopic is null && subscriptions.Count == 0 ? []
            : [.. Publish(pending, forward is null ? reply : null, context), .. Announce(pending, context)];
        var leavesTraces = context.HasChanges || effects.Length > 0 || events.Length > 0 || context.TimerRequests.Count > 0;
        var needsRecord = command.CommandId is not null && (leavesTraces || !command.HasGeneratedId);
        if (!leavesTraces && !needsRecord)
        {
            return null;
        }

        var now = Now();
        var record = needsRecord ? pending.Outcome.ToRecord(command, pending.Fingerprint, now) : null;
        var append = WithOrder(entity.Advance(command.Entity, context, record, _policy, now), command, entity);
        if (context.TimerRequests.Count > 0)
        {
            append = append with { Timers = [.. context.TimerRequests.Select(request => new TimerChange(request.Name, request.Call is null ? null : ToTimer(pending, request, now)))] };
        }

        if (effects.Length + events.Length == 0)
        {
            return new PendingAppend(pending, entity, append, []);
        }

        return new PendingAppend(
            pending, entity, append with { Outbox = [.. effects.Select(effect => effect.Stored!.Entry), .. events] },
            [.. effects.Where(effect => !effect.IsSynchronous).Select(effect => effect.Stored!.Entry), .. events]);
    }

    /// <summary>The reply as an event for its topic, unless there is none or it says nothing.</summary>
    private OutboxEntry[] Publish(PendingCommand pending, IMessage? reply, CommandContext context)
    {
        var (id, command) = (NewId(), pending.Command);
        return reply is not null && command.Definition.OutTopic is { } topic
            && publications.OfReply(command.Definition.Rpc, topic, reply, OutboxEntry.CommandIdOf(id), command.Entity.Key, context.ReplyEntries, command.Trace) is { } published
            ? [new OutboxEntry(id, command.Entity, pending.Activation.Slot.Slot.Number, command.Definition.FullName, TopicEvents.ToStored(published, topic))]
            : [];
    }

    /// <summary>The change of a value for those who take the events of the entity: a value has no journal that could be read later.</summary>
    private IEnumerable<OutboxEntry> Announce(PendingCommand pending, CommandContext context)
    {
        if (context.NewValue is not (true, var value))
        {
            return [];
        }

        var (key, changed) = (pending.Command.Entity, value ?? new EntityDeleted());
        var logged = new JournalEvent(0, key, context.Version, types.Of(changed).Name, types.ToJson(changed), Now()) { Trace = pending.Command.Trace };
        return
            from subscription in subscriptions
            let selected = subscription.Select(logged)
            where selected is not null
            let delivery = new StoredDelivery(selected.Value.Content()) { Lane = subscription.Name }
            select new OutboxEntry(NewId(), key, pending.Activation.Slot.Slot.Number, selected.Value.Target, delivery.ToByteString());
    }

    /// <summary>A command in an order of others is the last of them that was handled, whatever it has answered.</summary>
    private EntityAppend WithOrder(EntityAppend append, Command command, LoadedEntity entity)
    {
        if (command.Order is not { } order || entity.PositionIn(order.Stream) is not { } position || order.Sequence <= position.Last)
        {
            return append;
        }

        (position.Last, position.GapSince) = (order.Sequence, null);
        return append with { Orders = [order.HoldBack is null ? order with { ExpiresAt = Now() + options.CommandIdRetention } : order] };
    }

    private static PlannedCall Plan(PendingCommand pending, Effect effect)
    {
        var (id, slot, command) = (NewId(), pending.Activation.Slot, pending.Command);
        var stored = StoredCalls.ToStored(effect.Call, command.Depth + 1, command.Trace);
        var entry = new OutboxEntry(id, command.Entity, slot.Slot.Number, effect.Call.Method, new StoredDelivery { Call = stored }.ToByteString());
        return new PlannedCall(OutboxEntry.CommandIdOf(id), effect.Call, effect.IsSynchronous) { Stored = new(entry, slot) };
    }

    private static StoredTimer ToTimer(PendingCommand pending, TimerRequest request, DateTimeOffset now) => new(
        NewId(), pending.Command.Entity, pending.Activation.Slot.Slot.Number, request.Name, request.DueAt(now), request.Call!.Method,
        StoredCalls.ToStored(request.Call, depth: 0, pending.Command.Trace).ToByteString());

    private static Guid NewId() => Guid.CreateVersion7();

    /// <summary>The outcome of a command that failed unexpectedly: a trace id for the caller, the exception for the log; or, when it was the data, what is wrong with it.</summary>
    public CallOutcome Failed(Command command, Exception failure)
    {
        if (failure is UnstorableDataException)
        {
            return CallOutcome.Failed(StatusCode.InvalidArgument, $"The command holds data that cannot be stored. {failure.Message}");
        }

        var traceId = command.Trace.TraceId == default ? ActivityTraceId.CreateRandom() : command.Trace.TraceId;
        LogFailed(command.Definition.FullName, command.Entity, traceId, failure);
        return CallOutcome.Unexpected("entity", traceId, options.EnableDetailedErrors ? failure : null);
    }

    public static long Fingerprint(Command command) => unchecked((long)XxHash3.HashToUInt64(command.Message.ToByteArray()));

    /// <summary>The time with the precision that stores keep.</summary>
    private DateTimeOffset Now() => time.GetUtcNow().ToMicroseconds();

    [LoggerMessage(1, LogLevel.Error, "{Method} for {Key} failed (trace id {TraceId}). The entity is reloaded from the store.", EventName = "CommandFailed")]
    private partial void LogFailed(string method, EntityId key, ActivityTraceId traceId, Exception failure);

    [LoggerMessage(2, LogLevel.Warning, "{Method} for {Key} did not finish within its time limit. The entity is reloaded from the store.", EventName = "CommandTimedOut")]
    private partial void LogTimedOut(string method, EntityId key);
}
