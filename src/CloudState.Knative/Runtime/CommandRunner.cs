using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Memory;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Runtime;

/// <summary>Runs the command handlers of entities of one type, and decides what becomes of what they did.</summary>
internal sealed partial class CommandRunner(
    CallTargets targets, IReadOnlyList<IOutboxContributor> contributors, OwnedOutbox outbox, CallLimits limits, long maxStateSize,
    MemoryLimit memory, TimeProvider time, ILogger<CommandRunner> logger)
{
    /// <summary>Runs the handler and sets the command's outcome.</summary>
    public async ValueTask<Decision> RunAsync(PendingCommand pending, LoadedEntity entity)
    {
        var command = pending.Command;
        using var span = CloudStateTelemetry.StartEntity("handle", command.Entity.Type, command.Entity.Key, ActivityKind.Internal, command.Trace);
        using var limit = new TimeLimit(time, pending.Deadline, command.CallCancelled);
        var instance = entity.Instance;
        var context = new CommandContext(command.Definition.Rpc, instance, targets, command.Entity.Key, command.CommandId, command.Metadata, limit.GetToken, command.ToReplyStream());
        context.Level = pending.Level;
        instance.Begin(context, time.GetUtcNow());
        IMessage? reply = null;
        try
        {
            var handling = command.Definition.Handler(instance, command.Message, context);
            reply = handling.IsCompleted ? await handling : await limit.WaitAsync(handling.AsTask());
            command.Definition.CheckAnswer(reply, context);
            if (reply is not null)
            {
                MessageDepth.Check(reply);
            }
        }
        catch (Exception thrown) when (context.IsRejectedBy(thrown))
        {
            // The handler has rejected the command; no later exception replaces that.
        }
        catch (OperationCanceledException) when (command.CallCancelled.IsCancellationRequested)
        {
            pending.Outcome = CallOutcome.Failed(StatusCode.Cancelled, "The caller cancelled the command.");
            return Decision.Discard;
        }
        catch (Exception timedOut) when (timedOut is TimeoutException or OperationCanceledException && limit.HasPassed)
        {
            LogTimedOut(command.Definition.FullName, command.Entity);
            pending.Outcome = CallOutcome.Failed(StatusCode.DeadlineExceeded, $"{command.Definition.FullName} did not finish within its time limit; nothing was stored.");
            return Decision.Discard;
        }
        catch (Exception failure)
        {
            pending.Outcome = Failed(command, failure);
            return Decision.Discard;
        }
        finally
        {
            context.Close();
        }

        if (context.Failure is null && instance.StateSize > maxStateSize && instance.HasChanges && instance.MeasureState() is var size && size > maxStateSize)
        {
            pending.Outcome = CallOutcome.Failed(
                StatusCode.FailedPrecondition,
                $"The state of {command.Entity} would have {size:N0} bytes; CloudState:Entities:MaxStateSize is {maxStateSize:N0}. Keep less in one entity, or raise it.");
            return Decision.Discard;
        }

        pending.Level = context.Level > CrdtLevel.Local || MayBeLocal(pending, context) ? context.Level : CrdtLevel.Durable;
        return context.Failure is { } rejection
            ? new Decision(Reject(pending, entity, rejection), KeepsState: !context.HasChanges)
            : new Decision(Accept(pending, entity, context, reply), KeepsState: true);
    }

    /// <summary>The outcome of a command that failed unexpectedly: a trace id for the caller, the exception for the log; if the data was at fault, what is wrong with it.</summary>
    public CallOutcome Failed(Command command, Exception failure)
    {
        if (failure is UnstorableDataException)
        {
            return CallOutcome.Failed(StatusCode.InvalidArgument, $"The command holds data that cannot be stored. {failure.Message}");
        }

        if (failure is OutOfMemoryException)
        {
            memory.RanOut();
            return CallOutcome.Failed(StatusCode.ResourceExhausted, $"There is too little memory for {command.Entity}. Try again later.");
        }

        var traceId = command.Trace.TraceId == default ? ActivityTraceId.CreateRandom() : command.Trace.TraceId;
        LogFailed(command.Definition.FullName, command.Entity, traceId, failure);
        return CallOutcome.Unexpected("entity", traceId, limits.ShowsExceptions ? failure : null);
    }

    /// <summary>Whether there is nothing to store beside the change of the state.</summary>
    private static bool MayBeLocal(PendingCommand pending, CommandContext context) =>
        pending.MayBeLocal && context is { Effects.Count: 0, TimerRequests.Count: 0, ForwardTo: null } && pending.Command.Definition.OutTopic is null;

    private PendingAppend? Reject(PendingCommand pending, LoadedEntity entity, Status rejection)
    {
        var command = pending.Command;
        pending.Outcome = CallOutcome.Rejected(rejection);
        if (command.CommandId is null || command.HasGeneratedId || rejection.StatusCode.IsTransient() || command.Order is { HoldBack: null })
        {
            // Nothing to remember; or the handler wants the same command to be tried again, or an operator may, who finds the event parked.
            return null;
        }

        var record = RecordedOutcome.ToRecord(pending.Outcome, command, pending.Fingerprint, Now());
        return new PendingAppend(pending, entity, WithOrder(entity.Append(command.Entity, entity.Instance.Unchanged, record), command, entity), []);
    }

    private PendingAppend? Accept(PendingCommand pending, LoadedEntity entity, CommandContext context, IMessage? reply)
    {
        // 1. The outcome: the reply of the handler or of another rpc, once the calls are made that the caller waits for.
        var command = pending.Command;
        PlannedEffect[] effects = context.Effects.Count == 0 ? [] : [.. context.Effects.Select(effect => Plan(pending, effect))];
        var forward = context.ForwardTo is { } call ? new PlannedCall(NewId().ToString("N"), call, IsSynchronous: true) : null;
        var followUp = FollowUpCalls.Of(effects.Where(effect => effect.Call.IsSynchronous).Select(effect => effect.Call), forward);
        pending.Outcome = forward is null && reply is not null
            ? CallOutcome.Replied(reply) with { Version = entity.Version, Metadata = context.ReplyEntries, FollowUp = followUp, EndsStream = context.EndsStream }
            : CallOutcome.WithoutReply(followUp) with { Version = entity.Version, EndsStream = context.EndsStream };
        if (command.IsPoll && effects.Length > 0)
        {
            // Each of the streams calls.
            command.Metadata.MarkRead();
        }

        // 2. What there is to store.
        if (pending.Level == CrdtLevel.Local && entity.Instance.TryAdvanceLocally())
        {
            return null;
        }

        var now = Now();
        var change = entity.Instance.Advance(now);
        OutboxEntry[] contributed = contributors.Count == 0 ? [] : Contributed(pending, forward is null ? reply : null, context, change);
        var leavesTraces = change.NewVersion > change.ExpectedVersion || effects.Length > 0 || contributed.Length > 0 || context.TimerRequests.Count > 0;
        var needsRecord = command.CommandId is not null && (leavesTraces || !command.HasGeneratedId);
        if (!leavesTraces && !needsRecord && entity.Adopted.Count == 0)
        {
            return null;
        }

        // 3. One append of all of it.
        var record = needsRecord ? RecordedOutcome.ToRecord(pending.Outcome, command, pending.Fingerprint, now) : null;
        var append = WithOrder(entity.Append(command.Entity, change, record), command, entity);
        if (context.TimerRequests.Count > 0)
        {
            append = append with { Timers = [.. context.TimerRequests.Select(request => new TimerChange(request.Name, request.Call is null ? null : ToTimer(pending, request, now)))] };
        }

        if (effects.Length + contributed.Length == 0)
        {
            return new PendingAppend(pending, entity, append, []);
        }

        return new PendingAppend(
            pending, entity, append with { Outbox = [.. effects.Select(effect => effect.Entry), .. contributed] },
            [.. effects.Where(effect => !effect.Call.IsSynchronous).Select(effect => effect.Entry), .. contributed]);
    }

    private OutboxEntry[] Contributed(PendingCommand pending, IMessage? reply, CommandContext context, StateChange change)
    {
        var accepted = new AcceptedCommand(pending.Command, pending.Home.Number, reply, context.ReplyEntries, change);
        return [.. contributors.SelectMany(contributor => contributor.EntriesOf(accepted))];
    }

    /// <summary>A command in a stream of events is the latest one that was handled, whatever its outcome.</summary>
    private EntityAppend WithOrder(EntityAppend append, Command command, LoadedEntity entity)
    {
        if (command.Order is not { } order || entity.PositionIn(order.Stream) is not { } position || order.Sequence <= position.Last)
        {
            return append;
        }

        (position.Last, position.GapSince) = (order.Sequence, null);
        return append with { Orders = [order.HoldBack is null ? order with { ExpiresAt = Now() + limits.CommandIdRetention } : order] };
    }

    private PlannedEffect Plan(PendingCommand pending, Effect effect)
    {
        var (id, slot, command) = (NewId(), pending.Home, pending.Command);
        var stored = StoredCalls.ToStored(effect.Call, command.Depth + 1, command.Trace);
        var entry = new OutboxEntry(id, command.Entity, slot.Number, effect.Call.Method, new StoredDelivery { Call = stored }.ToByteString());
        return new PlannedEffect(entry, new PlannedCall(OutboxEntry.CommandIdOf(id), effect.Call, effect.IsSynchronous) { Settle = outcome => outbox.Settle(entry, slot, outcome) });
    }

    private static StoredTimer ToTimer(PendingCommand pending, TimerRequest request, DateTimeOffset now) => new(
        NewId(), pending.Command.Entity, pending.Home.Number, request.Name, request.DueAt(now), request.Call!.Method,
        StoredCalls.ToStored(request.Call, depth: 0, pending.Command.Trace).ToByteString());

    private static Guid NewId() => Guid.CreateVersion7();

    /// <summary>The time with the precision that stores keep.</summary>
    private DateTimeOffset Now() => time.GetUtcNow().ToMicroseconds();

    private sealed record PlannedEffect(OutboxEntry Entry, PlannedCall Call);

    [LoggerMessage(1, LogLevel.Error, "{Method} for {Key} failed (trace id {TraceId}). The entity is reloaded from the store.", EventName = "CommandFailed")]
    private partial void LogFailed(string method, EntityId key, ActivityTraceId traceId, Exception failure);

    [LoggerMessage(2, LogLevel.Warning, "{Method} for {Key} did not finish within its time limit. The entity is reloaded from the store.", EventName = "CommandTimedOut")]
    private partial void LogTimedOut(string method, EntityId key);
}

/// <summary>What becomes of a command that was handled.</summary>
/// <param name="Append">What is to be stored; null if nothing is.</param>
/// <param name="KeepsState">Whether the state in memory is still what the store will have. It is not if the handler made changes that are not kept, or failed half-way.</param>
internal readonly record struct Decision(PendingAppend? Append, bool KeepsState)
{
    public static Decision Discard => new(Append: null, KeepsState: false);
}
