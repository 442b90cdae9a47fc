using System.Diagnostics;
using CloudState.Knative.Marten.Connection;
using Npgsql;

namespace CloudState.Knative.Marten.Load;

/// <summary>
/// Answers many requests with few queries: while as many queries run as may, requests wait, and the next query takes all that do. No
/// timer, so that a request waits for nothing when there are few.
/// </summary>
/// <remarks>
/// Example, with two queries at a time: a, b, c, d and e are asked for together. One query reads a, one reads b; the one that is back first is followed
/// by one that reads c, d and e. If that is refused because of what e is, each of the three is read alone, and only e's request fails.
/// </remarks>
/// <param name="read">The query: what there is for each request, in their order.</param>
/// <param name="maxQueries">How many run at the same time.</param>
/// <param name="patience">How long a request may wait for its query; zero without limit.</param>
internal sealed class GroupedReads<TRequest, TResult>(Func<IReadOnlyList<TRequest>, Task<IReadOnlyList<TResult>>> read, int maxQueries, TimeSpan patience) : IThreadPoolWorkItem
{
    /// <summary>What one query answers at most: more would gain little, and keep the first waiting for the last.</summary>
    public const int MaxRequests = 32;

    private readonly Lock _lock = new();
    private readonly Queue<Waiting> _waiting = new();
    private int _queries;

    /// <exception cref="TimeoutException">The query could not begin in time.</exception>
    public Task<TResult> ReadAsync(TRequest request)
    {
        var waiting = new Waiting(request);
        lock (_lock)
        {
            _waiting.Enqueue(waiting);
            if (_queries == maxQueries)
            {
                return waiting.Task;
            }

            _queries++;
        }

        // Whatever this process has to do already may bring more for the query: it goes first. Nothing of the caller's context, such as his trace, flows along.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return waiting.Task;
    }

    void IThreadPoolWorkItem.Execute() => _ = ReadAllAsync();

    private async Task ReadAllAsync()
    {
        while (TakeGroup() is { Count: > 0 } group)
        {
            await ReadAsync(group);
        }
    }

    private List<Waiting> TakeGroup()
    {
        lock (_lock)
        {
            var group = new List<Waiting>();
            while (group.Count < MaxRequests && _waiting.TryDequeue(out var waiting))
            {
                if (waiting.IsLate(patience))
                {
                    waiting.SetException(new TimeoutException($"No query could be made within {patience.TotalSeconds:0.###} s, because those before it take too long."));
                }
                else
                {
                    group.Add(waiting);
                }
            }

            if (group.Count == 0)
            {
                _queries--;
            }

            return group;
        }
    }

    private async Task ReadAsync(List<Waiting> group)
    {
        try
        {
            var results = await read(group.ConvertAll(waiting => waiting.Request));
            for (var i = 0; i < group.Count; i++)
            {
                group[i].SetResult(results[i]);
            }
        }
        catch (PostgresException refused) when (group.Count > 1 && MartenFailures.IsAboutData(refused))
        {
            foreach (var waiting in group)
            {
                await ReadAsync([waiting]);
            }
        }
        catch (Exception failure)
        {
            group.ForEach(waiting => waiting.SetException(failure));
        }
    }

    private sealed class Waiting(TRequest request) : TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        private readonly long _since = Stopwatch.GetTimestamp();

        public TRequest Request { get; } = request;

        public bool IsLate(TimeSpan patience) => patience > TimeSpan.Zero && Stopwatch.GetElapsedTime(_since) > patience;
    }
}
