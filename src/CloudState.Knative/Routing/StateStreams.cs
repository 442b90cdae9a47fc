using System.Collections.Concurrent;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Routing;

/// <summary>
/// Answers streaming rpcs of entities: the handler's reply now, and again whenever a change of the entity changes it, until the caller leaves.
/// </summary>
/// <remarks>
/// A stream is a sequence of polls. Each says which version of the entity the caller has seen and waits at the owner for another one, for a
/// bounded time. So a stream needs nothing of its own to go to another pod, to survive its owner's end, or to be handed over: the next poll
/// goes wherever the entity is then. Changes that come faster than the caller reads are pushed as one. Example: the caller has version 3
/// and polls pod A; A is killed; the poll goes to pod B, where the entity is loaded at version 4, which is pushed at once.
/// A stream makes its first poll itself. When the handler did not look at who asks, the next ones are made by a <see cref="StateFeed"/>, once for
/// all streams of this process that ask the same.
/// </remarks>
internal sealed class StateStreams(CommandRouter router, IHostApplicationLifetime lifetime, CallLimits limits, TimeProvider time)
{
    private readonly ConcurrentDictionary<Question, StateFeed> _feeds = new();

    /// <summary>Replies until the stream ends, some of them without a reply. The last outcome is not OK and says why; or the handler has ended the stream with it.</summary>
    public async IAsyncEnumerable<CallOutcome> ReadAsync(Command command)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(command.CallCancelled, lifetime.ApplicationStopping);
        using var shared = new SharedPolls(this, command);
        var end = command.Deadline ?? DateTimeOffset.MaxValue;
        var poll = command with { CallCancelled = ended.Token };
        IMessage? pushed = null;
        var mayShare = false;
        while (true)
        {
            var next = mayShare ? await shared.NextAsync(poll.SeenVersion!.Value, end, ended.Token) : null;
            var outcome = next ?? await PollAsync(poll, end);
            if (outcome.IsOk)
            {
                mayShare = outcome.IsSameForAll;
                poll = poll with { SeenVersion = outcome.Version };
                if (outcome.FollowUp is not null || outcome.Reply?.Equals(pushed) != true)
                {
                    yield return outcome;
                    pushed = outcome.Reply ?? pushed;
                }

                if (outcome.EndsStream)
                {
                    yield break;
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

    private ValueTask<CallOutcome> PollAsync(Command poll, DateTimeOffset end)
    {
        var pollEnd = time.GetUtcNow() + limits.Timeout;
        return router.TryRouteAsync(poll with { Deadline = pollEnd < end ? pollEnd : end });
    }

    /// <summary>What a stream gets from polls that are made for it and others.</summary>
    private sealed class SharedPolls(StateStreams streams, Command command) : IDisposable
    {
        private readonly Question _question = new(command.Definition, command.Entity, command.Message);
        private StateFeed? _feed;

        /// <summary>As <see cref="StateFeed.NextAsync"/>.</summary>
        public async ValueTask<CallOutcome?> NextAsync(long seenVersion, DateTimeOffset end, CancellationToken cancellationToken)
        {
            _feed ??= Join(seenVersion);
            var outcome = await _feed.NextAsync(seenVersion, end, cancellationToken);
            if (outcome is null)
            {
                Dispose();
            }

            return outcome;
        }

        public void Dispose()
        {
            if (_feed?.Leave() == true)
            {
                streams._feeds.TryRemove(KeyValuePair.Create(_question, _feed));
            }

            _feed = null;
        }

        private StateFeed Join(long seenVersion)
        {
            while (true)
            {
                var feed = streams._feeds.GetOrAdd(_question, static (_, made) => made.Streams.CreateFeed(made.Command), (Streams: streams, Command: command));
                if (feed.TryJoin(seenVersion))
                {
                    return feed;
                }

                // Its last reader has just left.
                streams._feeds.TryRemove(KeyValuePair.Create(_question, feed));
            }
        }
    }

    private sealed record Question(CommandDefinition Definition, EntityId Entity, IMessage Message);

    private StateFeed CreateFeed(Command command) => new(poll => PollAsync(poll, DateTimeOffset.MaxValue), command, time);
}
