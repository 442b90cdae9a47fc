using System.Diagnostics;
using System.Runtime.CompilerServices;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Actions;

/// <summary>Runs the handlers of actions. Whatever happens, the outcomes are values; what the handlers ask for beside their replies is in them.</summary>
internal sealed partial class ActionRunner(IServiceScopeFactory services, CallTargets targets, CallLimits limits, TimeProvider time, ILogger<ActionRunner> logger)
{
    /// <summary>Runs a handler that answers once.</summary>
    /// <param name="action">The class.</param>
    /// <param name="method">The handler.</param>
    /// <param name="input">A message, or a stream of messages.</param>
    /// <param name="scope">The call.</param>
    public async ValueTask<CallOutcome> RunAsync(ActionRegistration action, ActionMethod method, object input, CallScope scope)
    {
        using var activity = CloudStateTelemetry.StartAction(method.FullName, scope.Trace);
        using var limit = new TimeLimit(time, scope.Deadline ?? LatestEnd(method), scope.CallCancelled);
        await using var instances = services.CreateAsyncScope();
        var context = new ActionContext(method.Rpc, targets, scope.CommandId, scope.Metadata, limit.GetToken);
        var ids = new CallIds(scope.CommandId);
        CurrentCall.Value = new CurrentCall(scope, ids);
        try
        {
            var handling = method.SingleReply!(action.CreateInstance(instances.ServiceProvider), input, context);
            var reply = handling.IsCompleted ? await handling : await limit.WaitAsync(handling.AsTask());
            return ToOutcome(action, method, context.TakeAnswer(reply), context, ids);
        }
        catch (Exception thrown) when (context.IsRejectedBy(thrown))
        {
            // The handler has rejected the call; no later exception replaces that.
            return ToOutcome(action, method, context.TakeAnswer(reply: null), context, ids);
        }
        catch (Exception failure)
        {
            return Failed(method, failure, limit, scope);
        }
        finally
        {
            context.Close();
        }
    }

    /// <summary>Runs a handler that streams its replies; an outcome that is no reply is the last.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public async IAsyncEnumerable<CallOutcome> StreamAsync(
        ActionRegistration action, ActionMethod method, object input, CallScope scope, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var activity = CloudStateTelemetry.StartAction(method.FullName, scope.Trace);
        using var limit = new TimeLimit(time, scope.Deadline ?? DateTimeOffset.MaxValue, scope.CallCancelled);
        await using var instances = services.CreateAsyncScope();
        var context = new ActionContext(method.Rpc, targets, scope.CommandId, scope.Metadata, limit.GetToken);
        var ids = new CallIds(scope.CommandId);
        var current = new CurrentCall(scope, ids);
        await using var replies = RepliesAsync().GetAsyncEnumerator(CancellationToken.None);
        while (true)
        {
            CallOutcome? outcome;
            // Each step of a stream begins with what its reader has.
            CurrentCall.Value = current;
            try
            {
                outcome = await replies.MoveNextAsync() ? ToOutcome(action, method, context.TakeAnswer(replies.Current), context, ids) : LastOutcome(action, context.TakeAnswer(null), ids);
            }
            catch (Exception thrown) when (context.IsRejectedBy(thrown))
            {
                outcome = LastOutcome(action, context.TakeAnswer(null), ids);
            }
            catch (Exception failure)
            {
                outcome = Failed(method, failure, limit, scope);
            }

            if (outcome is { } answer)
            {
                yield return answer;
            }

            if (outcome is null or { Status.StatusCode: not StatusCode.OK })
            {
                context.Close();
                yield break;
            }
        }

        // Whatever the handler throws, even before its first reply, comes out of the loop above.
        async IAsyncEnumerable<IMessage?> RepliesAsync()
        {
            await foreach (var reply in method.StreamedReply!(action.CreateInstance(instances.ServiceProvider), input, context).WithCancellation(context.CancellationToken))
            {
                yield return reply;
            }
        }
    }

    private DateTimeOffset LatestEnd(ActionMethod method) => method.Rpc.IsClientStreaming ? DateTimeOffset.MaxValue : time.GetUtcNow() + limits.Timeout;

    private static CallOutcome ToOutcome(ActionRegistration action, ActionMethod method, ActionAnswer answer, ActionContext context, CallIds ids)
    {
        method.CheckAnswer(answer);
        var followUp = ToFollowUp(action, answer, ids);
        if (answer.Failure is { } failure)
        {
            return CallOutcome.Rejected(failure) with { FollowUp = followUp is null ? null : followUp with { Forward = null } };
        }

        return answer.Forward is not null
            ? CallOutcome.WithoutReply(followUp!)
            : CallOutcome.Replied(answer.Reply!) with { Metadata = context.ReplyEntries, FollowUp = followUp };
    }

    /// <summary>What a handler has asked for after its last reply: another one from elsewhere, a failure, or only effects. Null when nothing.</summary>
    private static CallOutcome? LastOutcome(ActionRegistration action, ActionAnswer answer, CallIds ids) => answer switch
    {
        { Failure: { } failure } => CallOutcome.Rejected(failure) with { FollowUp = ToFollowUp(action, answer with { Forward = null }, ids) },
        _ => ToFollowUp(action, answer, ids) is { } followUp ? CallOutcome.WithoutReply(followUp) : null,
    };

    private static FollowUpCalls? ToFollowUp(ActionRegistration action, ActionAnswer answer, CallIds ids) => FollowUpCalls.Of(
        answer.Effects.Concat(ToEffects(action.Definition, answer.Timers)).Select(effect => new PlannedCall(ids.Next(), effect.Call, effect.IsSynchronous)),
        answer.Forward is { } forward ? new PlannedCall(ids.Next(), forward, IsSynchronous: true) : null);

    /// <summary>Timers are set, by the entities that keep them, before the caller gets its reply.</summary>
    private static IEnumerable<Effect> ToEffects(ActionDefinition action, IReadOnlyList<TimerRequest> timers) => timers.Count == 0 || action.Attribute.UsesTimers
        ? timers.Select(timer => new Effect(ActionTimerEntity.ToCall(action.Service.FullName, timer), IsSynchronous: true))
        : throw new InvalidOperationException($"{action.ActionClass.Name} sets the timer '{timers[0].Name}'. Let its attribute say so: [Action<…>(UsesTimers = true)].");

    private CallOutcome Failed(ActionMethod method, Exception failure, TimeLimit limit, CallScope scope)
    {
        switch (failure)
        {
            case OperationCanceledException when scope.CallCancelled.IsCancellationRequested:
                return CallOutcome.Failed(StatusCode.Cancelled, "The caller cancelled the call.");
            case TimeoutException or OperationCanceledException when limit.HasPassed:
                return CallOutcome.Failed(StatusCode.DeadlineExceeded, $"{method.FullName} did not finish within its time limit.");
            default:
                var traceId = scope.Trace.TraceId == default ? ActivityTraceId.CreateRandom() : scope.Trace.TraceId;
                LogFailed(method.FullName, traceId, failure);
                return CallOutcome.Unexpected("action", traceId, limits.ShowsExceptions ? failure : null);
        }
    }

    [LoggerMessage(5, LogLevel.Error, "{Method} failed (trace id {TraceId}).", EventName = "ActionFailed")]
    private partial void LogFailed(string method, ActivityTraceId traceId, Exception failure);
}
