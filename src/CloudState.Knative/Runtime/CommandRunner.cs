using System.Diagnostics;
using System.IO.Hashing;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.Hosting;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Runtime;

/// <summary>Loads entities of one type and runs their command handlers.</summary>
internal sealed partial class CommandRunner(
    EntityDefinition definition, Func<Entity> createInstance, IEntityStore store, StoreHealth health,
    CloudStateOptions options, int snapshotEvery, TimeProvider time, ILogger logger)
{
    /// <summary>Starts a new life of an entity: latest snapshot, later events, ids of recent commands.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<LoadedEntity> LoadAsync(Command command)
    {
        using var activity = CloudStateTelemetry.StartLoad(command);
        var started = Stopwatch.GetTimestamp();
        StoredEntity stored;
        try
        {
            var window = new CommandIdWindow(options.CommandIdCount, time.GetUtcNow() - options.CommandIdRetention);
            stored = await store.LoadAsync(command.Key, window, CancellationToken.None);
        }
        catch (StoreUnavailableException unavailable)
        {
            health.ReportDown(unavailable);
            throw;
        }

        var commandIds = new RecentCommandIds(options.CommandIdCount, options.CommandIdRetention);
        var loaded = LoadedEntity.Restore(definition, createInstance(), stored, commandIds);
        CloudStateTelemetry.Loaded(command, stored, Stopwatch.GetElapsedTime(started));
        return loaded;
    }

    /// <summary>
    /// Runs the handler and sets the command's outcome. Returns what is to be stored, if anything, and whether the state in memory
    /// is still the fold of the events: it is not when the handler emitted events that are not kept, or failed half-way.
    /// </summary>
    public async ValueTask<(PendingAppend? Append, bool KeepsState)> RunAsync(PendingCommand pending, LoadedEntity entity)
    {
        var command = pending.Command;
        using var activity = CloudStateTelemetry.StartHandle(command);
        using var limit = new TimeLimit(time, pending.Deadline, command.CallCancelled);
        var context = new CommandContext(
            entity.Instance, definition.EventHandlers, command.Key.EntityId, entity.Version, command.CommandId, command.Metadata, limit.GetToken);

        IMessage? reply;
        try
        {
            var handling = command.Definition.Handler(entity.Instance, command.Message, context);
            reply = handling.IsCompleted ? await handling : await handling.AsTask().WaitAsync(limit.Remaining, time);
            if (reply is null && context.Failure is null)
            {
                throw new InvalidOperationException($"{definition.EntityClass.Name}.{command.Definition.Rpc.Name} returned null. Return a message, or call context.Fail.");
            }

            if (command.Definition.IsStreaming && context.Events.Count > 0)
            {
                throw new InvalidOperationException($"{definition.EntityClass.Name}.{command.Definition.Rpc.Name} emitted an event. The handler of a streaming rpc is asked after every change, and must not make one.");
            }
        }
        catch (OperationCanceledException) when (command.CallCancelled.IsCancellationRequested)
        {
            pending.Outcome = CommandOutcome.Failed(StatusCode.Cancelled, "The caller cancelled the command.");
            return (null, KeepsState: false);
        }
        catch (Exception timedOut) when (timedOut is TimeoutException or OperationCanceledException && limit.HasPassed)
        {
            LogTimedOut(command.Definition.FullName, command.Key);
            pending.Outcome = CommandOutcome.Failed(StatusCode.DeadlineExceeded, $"{command.Definition.FullName} did not finish within its time limit; nothing was stored.");
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

        var emitted = context.Events;
        var kept = context.Failure is null ? emitted : [];
        pending.Outcome = context.Failure is { } rejection ? CommandOutcome.Rejected(rejection) : CommandOutcome.Replied(reply!) with { Version = entity.Version };
        var needsRecord = command.CommandId is not null && (kept.Count > 0 || !command.HasMadeUpId);
        var record = !needsRecord ? null : pending.Outcome.ToRecord(command, pending.Fingerprint, Now());
        var append = kept.Count == 0 && record is null
            ? null
            : entity.Advance(pending, kept, record, definition.Snapshots, snapshotEvery, options.CommandIdCount);
        return (append, KeepsState: kept.Count == emitted.Count);
    }

    /// <summary>The outcome of a command that failed unexpectedly: a trace id for the caller, the exception for the log; or, when it was the data, what is wrong with it.</summary>
    public CommandOutcome Failed(Command command, Exception failure)
    {
        if (failure is UnstorableDataException)
        {
            return CommandOutcome.Failed(StatusCode.InvalidArgument, $"The command holds data that cannot be stored. {failure.Message}");
        }

        var traceId = command.Trace.TraceId == default ? ActivityTraceId.CreateRandom() : command.Trace.TraceId;
        LogFailed(command.Definition.FullName, command.Key, traceId, failure);
        var detail = $"Unexpected entity failure (trace id {traceId})";
        return CommandOutcome.Failed(StatusCode.Internal, options.EnableDetailedErrors ? $"{detail}: {failure.Message}" : detail);
    }

    public static long Fingerprint(Command command) => unchecked((long)XxHash3.HashToUInt64(command.Message.ToByteArray()));

    /// <summary>The time with the precision that stores keep.</summary>
    private DateTimeOffset Now()
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    [LoggerMessage(1, LogLevel.Error, "{Method} for {Key} failed (trace id {TraceId}). The entity is reloaded from the store.", EventName = "CommandFailed")]
    private partial void LogFailed(string method, EntityKey key, ActivityTraceId traceId, Exception failure);

    [LoggerMessage(2, LogLevel.Warning, "{Method} for {Key} did not finish within its time limit. The entity is reloaded from the store.", EventName = "CommandTimedOut")]
    private partial void LogTimedOut(string method, EntityKey key);
}
