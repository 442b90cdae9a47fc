using CloudState.Knative.Calls;
using CloudState.Knative.Runtime;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

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
internal sealed class StateStream(CommandRouter router, IHostApplicationLifetime lifetime, IOptions<CloudStateOptions> options, TimeProvider time)
{
    /// <summary>Pushes replies until the stream ends; returns why it has ended.</summary>
    public async Task<Status> PushAsync(Command command, Func<IMessage, Task> push)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(command.CallCancelled, lifetime.ApplicationStopping);
        var end = command.Deadline ?? DateTimeOffset.MaxValue;
        var poll = command with { CallCancelled = ended.Token };
        IMessage? pushed = null;
        while (true)
        {
            var pollEnd = time.GetUtcNow() + options.Value.CommandTimeout;
            var outcome = await router.TryRouteAsync(poll with { Deadline = pollEnd < end ? pollEnd : end });
            if (outcome.IsReply)
            {
                poll = poll with { SeenVersion = outcome.Version };
                if (!outcome.Reply!.Equals(pushed))
                {
                    await push(outcome.Reply);
                    pushed = outcome.Reply;
                }
            }
            else if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return new Status(StatusCode.Unavailable, "This pod is shutting down. Subscribe again.");
            }
            else if (!outcome.IsUnchanged || time.GetUtcNow() >= end)
            {
                return outcome.Status;
            }
        }
    }
}
