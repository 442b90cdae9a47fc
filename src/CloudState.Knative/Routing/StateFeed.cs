using CloudState.Knative.Calls;
using CloudState.Knative.Runtime;

namespace CloudState.Knative.Routing;

/// <summary>
/// Polls an entity once for every change, for all streams of this process that ask the same rpc with the same message. It asks with the metadata
/// of the first of them: an answer of a handler that has looked at it is for nobody, and ends the feed.
/// </summary>
/// <remarks>
/// Streams are woken a few at a time, behind the work that waits already, and the next poll is made when all have been woken. So ten thousand of
/// them do not delay commands, and get as many changes as can be delivered, the latest always.
/// </remarks>
internal sealed class StateFeed(Func<Command, ValueTask<CallOutcome>> poll, Command question, TimeProvider time)
{
    private const int WokenAtOnce = 64;

    // No timer waits for longer than some weeks.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _over = new();
    private readonly LinkedList<Reader> _waiting = new();
    private CallOutcome _latest;
    private long _version;
    private int _round;
    private int _readers;
    private volatile bool _isOver;

    /// <summary>Counts in a stream; false when the feed is over.</summary>
    public bool TryJoin(long seenVersion)
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return false;
            }

            if (_readers++ == 0)
            {
                _version = seenVersion;
                // Without the surroundings of the call that happens to be the first.
                ThreadPool.UnsafeQueueUserWorkItem(static feed => _ = feed.RunAsync(), this, preferLocal: false);
            }

            return true;
        }
    }

    /// <summary>Counts out a stream; true when it was the last one.</summary>
    public bool Leave()
    {
        lock (_lock)
        {
            if (--_readers > 0)
            {
                return false;
            }

            _isOver = true;
        }

        _over.Cancel();
        return true;
    }

    /// <summary>
    /// Waits for a reply that shows a later version. <see cref="CallOutcome.Unchanged"/> when the stream's time is over; null when the stream has to ask for itself.
    /// </summary>
    public async ValueTask<CallOutcome?> NextAsync(long seenVersion, DateTimeOffset end, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            LinkedListNode<Reader> reader;
            lock (_lock)
            {
                if (_isOver)
                {
                    return null;
                }

                if (_version > seenVersion)
                {
                    return _latest.IsReply ? _latest : null;
                }

                reader = _waiting.AddLast(new Reader(_round));
            }

            await WaitAsync(reader, end, cancellationToken);
            if (time.GetUtcNow() >= end)
            {
                return CallOutcome.Unchanged;
            }
        }

        return null;
    }

    private async Task WaitAsync(LinkedListNode<Reader> reader, DateTimeOffset end, CancellationToken cancellationToken)
    {
        var timeLeft = end - time.GetUtcNow();
        var wait = end == DateTimeOffset.MaxValue ? Timeout.InfiniteTimeSpan
            : timeLeft < TimeSpan.Zero ? TimeSpan.Zero
            : timeLeft < LongestWait ? timeLeft : LongestWait;
        await reader.Value.Woken.Task.WaitAsync(wait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            if (reader.List is not null)
            {
                _waiting.Remove(reader);
            }
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (!_isOver)
            {
                var outcome = await poll(question with { Metadata = question.Metadata.Unread(), SeenVersion = _version, Deadline = null, Trace = default, CallCancelled = _over.Token });
                if (outcome.IsReply && outcome.IsSameForAll)
                {
                    await PublishAsync(outcome);
                }
                else if (outcome.Kind != OutcomeKind.Unchanged)
                {
                    break;
                }
            }
        }
        finally
        {
            await EndAsync();
        }
    }

    private Task PublishAsync(CallOutcome outcome)
    {
        lock (_lock)
        {
            var isNews = !outcome.Reply!.Equals(_latest.Reply);
            _version = outcome.Version;
            _latest = outcome;
            if (!isNews)
            {
                return Task.CompletedTask;
            }

            _round++;
        }

        return WakeAsync();
    }

    private Task EndAsync()
    {
        lock (_lock)
        {
            _isOver = true;
            _round++;
        }

        return WakeAsync();
    }

    /// <summary>Wakes those that have waited since before this round.</summary>
    private async Task WakeAsync()
    {
        while (WakeSome())
        {
            // Goes to the end of the queue of the thread pool.
            await Task.Yield();
        }
    }

    private bool WakeSome()
    {
        lock (_lock)
        {
            for (var count = 0; count < WokenAtOnce; count++)
            {
                if (_waiting.First is not { } first || first.Value.Round == _round)
                {
                    return false;
                }

                _waiting.RemoveFirst();
                first.Value.Woken.TrySetResult();
            }

            return true;
        }
    }

    private sealed class Reader(int round)
    {
        public int Round { get; } = round;

        public TaskCompletionSource Woken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
