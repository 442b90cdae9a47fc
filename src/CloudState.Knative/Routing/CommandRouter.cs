using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Grpc.Core;

namespace CloudState.Knative.Routing;

/// <summary>
/// Brings a command to the process that owns its entity: this one, or another one over its <see cref="PeerLink"/>; at most one hop.
/// </summary>
/// <remarks>
/// Who owns a slot changes while commands are under way. A wrong guess does no harm: a process runs a command only inside a slot that it
/// owns. So the router tries where the cluster says, and when that was wrong, or broke off, it looks at the cluster again and tries
/// there, until the caller's time is over. Trying again is safe because a command has an id before it is forwarded, under
/// which it takes effect once.
/// Example: the owner of alice's cart is killed with a command of hers. Its link breaks: the outcome is unknown. For the rest of the lease
/// no process answers; then this pod or another one takes the slot over, and the command goes there. If it was stored before the
/// crash, its recorded reply comes back; otherwise it is run now.
/// </remarks>
internal sealed class CommandRouter(
    EntityRuntime runtime, ClusterState state, PeerLinks peers, EverywhereLevel everywhere, Membership? membership, StoreHealth health, CallLimits limits, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);
    private static readonly CallOutcome AllStop = CallOutcome.Failed(StatusCode.Unavailable, "All pods of the service are stopping. Send the command again.");

    /// <summary>Executes a command that an edge has made. Whatever happens, the outcome is a value.</summary>
    public async ValueTask<CallOutcome> ExecuteAsync(Command command)
    {
        var measured = StartMeasuring(command);
        var outcome = await TryRouteAsync(command);
        EndMeasuring(measured, outcome);
        return outcome;
    }

    /// <summary>As <see cref="ExecuteAsync"/>, for one answer of a streaming rpc, which may wait for long and is no command of its own.</summary>
    public ValueTask<CallOutcome> TryRouteAsync(Command command)
    {
        if (WhyNoKey(command) is { } reason)
        {
            return new(CallOutcome.Failed(StatusCode.InvalidArgument, reason));
        }

        var deadline = command.Deadline ?? time.GetUtcNow() + limits.Timeout;
        return deadline <= time.GetUtcNow()
            ? new(CallOutcome.Failed(StatusCode.DeadlineExceeded, "The deadline of the call has passed before it began."))
            : RouteAsync(command, deadline, mayForward: true);
    }

    /// <summary>Executes a command that another pod has forwarded; <see cref="CallOutcome.NotOwner"/> when it should not have come here.</summary>
    public async ValueTask<CallOutcome> ExecuteForwardedAsync(Command command)
    {
        var measured = command.IsPoll ? null : StartMeasuring(command);
        var outcome = await RouteAsync(command, command.Deadline!.Value, mayForward: false);
        EndMeasuring(measured, outcome);
        return outcome;
    }

    private static CloudStateTelemetry.MeasuredCommand? StartMeasuring(Command command)
    {
        var measured = CloudStateTelemetry.StartCommand(command.Definition.SpanName, command.Definition.FullName, command.Entity.Type, command.Entity.Key, command.Trace);
        command.Trace = measured?.Context ?? command.Trace;
        return measured;
    }

    /// <summary>The failures are those that the conventions of OpenTelemetry attribute to the server; other statuses are for the caller.</summary>
    private static void EndMeasuring(CloudStateTelemetry.MeasuredCommand? measured, CallOutcome outcome) => measured?.End(
        outcome.Status.StatusCode.ToString(),
        outcome.Status.StatusCode is StatusCode.Unknown or StatusCode.DeadlineExceeded or StatusCode.Unimplemented or StatusCode.Internal or StatusCode.Unavailable or StatusCode.DataLoss);

    private async ValueTask<CallOutcome> RouteAsync(Command command, DateTimeOffset deadline, bool mayForward)
    {
        var slot = state.SlotOf(command.Entity);
        var pause = FirstPause;
        var hasLooked = false;
        var isEverywhere = runtime.LevelOf(command) == CrdtLevel.Everywhere;
        try
        {
            while (true)
            {
                // Taken before anything is looked at, so that no change is missed.
                var changed = state.Changed;
                if (isEverywhere)
                {
                    await everywhere.CatchUpAsync(command.Entity);
                }

                // 1. Here: run it.
                if (state.TryEnter(slot, out var entered))
                {
                    var outcome = await runtime.ExecuteAsync(command, entered, deadline);
                    if (outcome.Kind == OutcomeKind.Unchanged)
                    {
                        await ChangeAsync(command, changed, deadline);
                        continue;
                    }

                    if (outcome.Unmerged is not null || (isEverywhere && outcome.IsOk && command.CommandId is not null))
                    {
                        // An outcome from before, of the same command, does not say what was stored.
                        return await everywhere.ConfirmAsync(command, outcome, deadline);
                    }

                    if (outcome.Kind != OutcomeKind.NotOwner)
                    {
                        return command.IsPoll && !command.Metadata.WasRead ? outcome with { IsSameForAll = true } : outcome;
                    }

                    _ = membership?.RequestReconcileAsync();
                }

                // 2. Elsewhere: send it there; or if it was sent here, the sender may know more, so look once before refusing.
                else if (IsElsewhere(slot, out var owner))
                {
                    if (!mayForward)
                    {
                        if (hasLooked || membership is null)
                        {
                            CloudStateTelemetry.RefusedAsNotOwner();
                            return CallOutcome.NotOwner;
                        }

                        hasLooked = true;
                        changed = membership.RequestReconcileAsync();
                    }
                    else if (owner is not null)
                    {
                        command.EnsureCommandId();
                        if (await TryForwardAsync(owner, command, deadline) is { } outcome)
                        {
                            return outcome;
                        }

                        // No pod stays that could take over. To wait for each other's end, each with commands for the other, is to wait in vain.
                        if (owner.IsLeaving && state.Snapshot.Self is { IsLeaving: true })
                        {
                            return AllStop;
                        }
                    }
                }

                // 3. On its way here, or without an owner yet: wait.
                if (WhyUnavailable() is { } unavailable)
                {
                    return unavailable;
                }

                await WaitAsync(changed, pause, deadline, command.CallCancelled);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        catch (TimeoutException)
        {
            return command.SeenVersion is null ? CallOutcome.TooLate : CallOutcome.Unchanged;
        }
        catch (OperationCanceledException)
        {
            return CallOutcome.CallerGone;
        }
        catch (StoreUnavailableException unavailable) when (isEverywhere)
        {
            health.ReportDown(unavailable);
            return CallOutcome.StoreUnavailable;
        }
    }

    /// <summary>Whether another member should own the slot, or none can.</summary>
    private bool IsElsewhere(Slot slot, out Member? owner)
    {
        var snapshot = state.Snapshot;
        owner = snapshot.ProposedOwner(slot);
        return owner is null || owner != snapshot.Self;
    }

    /// <summary>Null when the command has to be tried again.</summary>
    private async Task<CallOutcome?> TryForwardAsync(Member owner, Command command, DateTimeOffset deadline)
    {
        try
        {
            // An owner that has lost the store is soon no owner any more, while this process has it.
            if (await peers.ForwardAsync(owner, command, deadline) is { } outcome && !(outcome.Kind == OutcomeKind.StoreUnavailable && health.IsUp))
            {
                return outcome;
            }
        }
        catch (PeerUnreachableException)
        {
        }

        _ = membership?.RequestReconcileAsync();
        return null;
    }

    /// <summary>Without the store there is nothing to wait for: it may be down for long.</summary>
    private CallOutcome? WhyUnavailable() => health.IsDown
        ? CallOutcome.StoreUnavailable
        : null;

    /// <summary>Waits for the entity to change, or the cluster: then it may change elsewhere.</summary>
    /// <exception cref="TimeoutException">The deadline has passed.</exception>
    private async Task ChangeAsync(Command command, Task clusterChanged, DateTimeOffset deadline)
    {
        using var watch = runtime.TryWatch(command.Entity, command.SeenVersion!.Value);
        if (watch is not null)
        {
            // What waits for the cluster leaves it, which may not change for weeks.
            using var waited = CancellationTokenSource.CreateLinkedTokenSource(command.CallCancelled);
            try
            {
                await WaitAsync(Task.WhenAny(watch.Changed, clusterChanged.WaitAsync(waited.Token)), deadline - time.GetUtcNow(), deadline, command.CallCancelled);
            }
            finally
            {
                await waited.CancelAsync();
            }
        }
    }

    /// <summary>Waits for a change, for a pause at most.</summary>
    /// <exception cref="TimeoutException">The deadline has passed.</exception>
    private async Task WaitAsync(Task changed, TimeSpan pause, DateTimeOffset deadline, CancellationToken callCancelled)
    {
        var timeLeft = deadline - time.GetUtcNow();
        if (timeLeft <= TimeSpan.Zero)
        {
            throw new TimeoutException();
        }

        await changed.WaitAsync(pause < timeLeft ? pause : timeLeft, time, callCancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        callCancelled.ThrowIfCancellationRequested();
    }

    private string? WhyNoKey(Command command) => command.Entity.Key switch
    {
        "" => $"The entity key of {command.Definition.Rpc.InputType.FullName} is empty. Set: {command.Definition.Key}.",
        { Length: var length } when length > limits.MaxKeyLength => $"The entity key has {length} characters; at most {limits.MaxKeyLength} are allowed.",
        var key when key.Contains('\0') => "The entity key holds a NUL character. Remove it.",
        _ => null,
    };
}
