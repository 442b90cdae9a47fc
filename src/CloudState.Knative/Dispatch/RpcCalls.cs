using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Dispatch;

/// <summary>
/// Makes calls of rpcs, and what their handlers request beside the reply, once that is stored: first the synchronous effects, in order, then the forward.
/// </summary>
internal sealed partial class RpcCalls(
    RpcTable table, CommandRouter router, TopicEvents topics, TopicSinks sinks, CallLimits limits, TimeProvider time, ILogger<RpcCalls> logger)
{
    private readonly LogLimit _notPublished = new(time);
    private readonly DetachedTasks _detached = new();
    private readonly DetachedTasks _streams = new();

    public CallLimits Limits => limits;

    /// <summary>Completes when all streams have ended whose end is handled.</summary>
    public Task StreamsEnded => _streams.AllEnded;

    /// <summary>Completes when all effects are done that no caller waits for and that are not stored.</summary>
    public Task Detached => _detached.AllEnded;

    /// <summary>Calls an rpc of this service with one reply. Whatever happens, the outcome is a value.</summary>
    public ValueTask<CallOutcome> ExecuteAsync(LocalRpc rpc, object input, CallScope scope)
    {
        if (RefuseTooDeep(input) is { } refused)
        {
            return new(refused);
        }

        if (rpc.PublishBeforeReply is { } topic)
        {
            return ExecuteAndPublishAsync(rpc, input, topic, scope);
        }

        var execution = rpc.ExecuteAsync(input, scope);
        if (!execution.IsCompletedSuccessfully)
        {
            return AwaitAsync(execution, scope);
        }

        var outcome = execution.Result;
        return outcome.FollowUp is null ? new(outcome) : CompleteAsync(outcome, scope);
    }

    /// <summary>Calls an rpc of this service with a stream of replies. An outcome other than OK is the last.</summary>
    public async IAsyncEnumerable<CallOutcome> StreamAsync(LocalRpc rpc, object input, CallScope scope)
    {
        if (RefuseTooDeep(input) is { } refused)
        {
            yield return refused;
            yield break;
        }

        var stream = rpc.StreamEnd is { } end ? Open(end, input, scope) : null;
        try
        {
            await foreach (var answer in rpc.StreamAsync(input, scope, scope.CallCancelled))
            {
                stream?.Note(answer);
                var outcome = answer.FollowUp is null ? answer : await CompleteAsync(answer, scope);
                yield return outcome;
                if (!outcome.IsOk)
                {
                    yield break;
                }
            }
        }
        finally
        {
            stream?.Leave();
        }
    }

    private OpenStream Open(LocalRpc end, object input, CallScope scope)
    {
        var stream = new OpenStream(this, end, input, scope, time, logger);
        _streams.Add(stream.Ended);
        return stream;
    }

    /// <summary>Executes a command that another pod has forwarded; <see cref="CallOutcome.NotOwner"/> if it should not have come here.</summary>
    public async ValueTask<CallOutcome> ExecuteForwardedAsync(Command command)
    {
        var outcome = await router.ExecuteForwardedAsync(command);
        return outcome.FollowUp is null ? outcome : await CompleteAsync(outcome, command.Scope);
    }

    /// <summary>Makes a recorded call.</summary>
    /// <param name="call">The rpc and its input.</param>
    /// <param name="id">The id under which the call takes effect once.</param>
    /// <param name="scope">The call that led to it.</param>
    public async ValueTask<CallOutcome> CallAsync(OutgoingCall call, string id, CallScope scope)
    {
        if (RefuseTooLongChain(call.Method, scope) is { } refused)
        {
            return refused;
        }

        try
        {
            return table.Find(call.Method) switch
            {
                LocalRpc rpc => await ExecuteAsync(rpc, rpc.Rpc.InputType.Parse(call.Message), scope with { CommandId = id, Metadata = call.Metadata }),
                { } remote => await remote.CallAsync(call, id, scope),
                null => CallOutcome.Failed(StatusCode.Unimplemented, $"This service has no rpc {call.Method}, and no client is registered for it."),
            };
        }
        catch (InvalidProtocolBufferException unreadable)
        {
            return CallOutcome.Failed(StatusCode.InvalidArgument, $"The input of {call.Method} cannot be read: {unreadable.Message}");
        }
    }

    /// <summary>The failure of a call that too many calls have led to; null if they are few enough.</summary>
    public CallOutcome? RefuseTooLongChain(string method, CallScope scope) => scope.Depth <= limits.MaxDepth ? null : CallOutcome.Failed(
        StatusCode.FailedPrecondition,
        $"More than {limits.MaxDepth} calls have led to {method}, each made for the one before it. Break the loop, or raise CloudState:MaxCallDepth.");

    /// <summary>Parsers of JSON read messages that those of other pods, and of the store, would not.</summary>
    private static CallOutcome? RefuseTooDeep(object input)
    {
        try
        {
            if (input is IMessage message)
            {
                MessageDepth.Check(message);
            }

            return null;
        }
        catch (UnstorableDataException tooDeep)
        {
            return CallOutcome.Failed(StatusCode.InvalidArgument, tooDeep.Message);
        }
    }

    private async ValueTask<CallOutcome> AwaitAsync(ValueTask<CallOutcome> execution, CallScope scope)
    {
        var outcome = await execution;
        return outcome.FollowUp is null ? outcome : await CompleteAsync(outcome, scope);
    }

    /// <summary>The caller gets the reply only after it was published, and tries again if that fails.</summary>
    private async ValueTask<CallOutcome> ExecuteAndPublishAsync(LocalRpc rpc, object input, string topic, CallScope scope)
    {
        var id = scope.CommandId ?? Guid.CreateVersion7().ToString("N");
        var run = await rpc.ExecuteAsync(input, scope);
        var outcome = run.FollowUp is null ? run : await CompleteAsync(run, scope);
        if (run.Reply is null || !outcome.IsOk
            || topics.OfReply(rpc.Rpc, topic, run.Reply, id, scope.Metadata.CloudEvent?.Subject, run.Metadata, scope.Trace) is not { } published)
        {
            return outcome;
        }

        var result = await sinks.PublishAsync(topic, published, scope.CallCancelled);
        if (result.Status.StatusCode == StatusCode.OK)
        {
            return outcome;
        }

        // A topic that is not there is not the caller's fault: where it should be is for the log.
        var reason = result.Status.StatusCode.IsTransient() ? "Try again." : result.Status.Detail;
        if (_notPublished.TryTake(out var count))
        {
            LogNotPublished(rpc.FullName, result.Status.StatusCode, result.Status.Detail, count);
        }

        return CallOutcome.Received(
            result.IsTimeout ? OutcomeKind.NotPublishedInTime : OutcomeKind.Final,
            new Status(result.Status.StatusCode, $"{rpc.FullName} has run, but its reply could not be published to the topic '{topic}'. {reason}")) with
        {
            RetryAfter = result.RetryAfter,
        };
    }

    /// <summary>Does what is left of an outcome, which stands only if that works.</summary>
    private async ValueTask<CallOutcome> CompleteAsync(CallOutcome outcome, CallScope scope)
    {
        var followUp = outcome.FollowUp!;
        var inner = scope.Deeper();
        CallOutcome? failed = null;
        foreach (var effect in followUp.Effects)
        {
            if (!effect.IsSynchronous)
            {
                Detach(effect, inner);
                continue;
            }

            var made = await CallAsync(effect.Call, effect.Id, inner);
            effect.Settle?.Invoke(made);
            if (!made.IsOk)
            {
                failed ??= CallOutcome.Failed(made.Status.StatusCode, $"The call took effect, but its effect {effect.Call.Method} did not: {made.Status.Detail}");
            }
        }

        return outcome.IsOk && failed is { } failure ? failure
            : outcome.IsOk && followUp.Forward is { } forward ? await CallAsync(WithMetadataOf(scope, forward.Call), forward.Id, inner)
            : outcome with { FollowUp = null };
    }

    /// <summary>What came with the call goes along with its forward. It is never stored: there may be secrets in it.</summary>
    private static OutgoingCall WithMetadataOf(CallScope scope, OutgoingCall forward) =>
        forward with { Metadata = forward.Metadata.FollowedBy(scope.Metadata.WithoutCommandId()) };

    private void Detach(PlannedCall effect, CallScope scope) =>
        _detached.Add(Task.Run(async () => await CallAsync(effect.Call, effect.Id, scope with { Deadline = null, CallCancelled = CancellationToken.None })));

    [LoggerMessage(94, LogLevel.Warning, "A reply of {Rpc} could not be published: {StatusCode}, {Detail} Its callers are told to try again, {Count} since the last such line.", EventName = "ReplyNotPublished")]
    private partial void LogNotPublished(string rpc, StatusCode statusCode, string detail, long count);
}
