using CloudState.Knative.Calls;
using CloudState.Knative.Runtime;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Routing;

/// <summary>
/// Answers a streaming rpc of an entity: its handler's reply now, and again whenever a change of the entity changes it, until the caller leaves.
/// </summary>
/// <remarks>
/// A stream is a sequence of polls. Each says which version of the entity the caller has seen and waits at the owner for another one, for a
/// bounded time. So a stream needs nothing of its own to go to another pod, to survive its owner's end, or to be handed over: the next poll
/// goes wherever the entity is then. Changes that come faster than the caller reads are pushed as one. Example: the caller has version 3
/// and polls pod A; A is killed; the poll goes to pod B, where the entity is loaded at version 4, which is pushed at once.
/// </remarks>
internal sealed class StateStream(CommandRouter router, IHostApplicationLifetime lifetime, CallLimits limits, TimeProvider time)
{
    /// <summary>Replies until the stream ends; the last outcome is not OK and says why.</summary>
    public async IAsyncEnumerable<CallOutcome> ReadAsync(Command command)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(command.CallCancelled, lifetime.ApplicationStopping);
        var end = command.Deadline ?? DateTimeOffset.MaxValue;
        var poll = command with { CallCancelled = ended.Token };
        IMessage? pushed = null;
        while (true)
        {
            var pollEnd = time.GetUtcNow() + limits.Timeout;
            var outcome = await router.TryRouteAsync(poll with { Deadline = pollEnd < end ? pollEnd : end });
            if (outcome.IsReply)
            {
                poll = poll with { SeenVersion = outcome.Version };
                if (!outcome.Reply!.Equals(pushed))
                {
                    yield return outcome;
                    pushed = outcome.Reply;
                }
            }
            else if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                yield return CallOutcome.Failed(StatusCode.Unavailable, "This pod is shutting down. Subscribe again.");
                yield break;
            }
            else if (outcome.Kind != OutcomeKind.Unchanged || time.GetUtcNow() >= end)
            {
                yield return outcome;
                yield break;
            }
        }
    }
}
