using System.Collections.Concurrent;
using System.Diagnostics;
using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;
using CloudState.Knative.Benchmarks.Systems;
using Likes;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>
/// How long a change on one pod takes to the streams of another one: likes at a fixed rate, of pages in turn, to the first of three pods, and a stream for
/// each page on the second. A like counts from just before its request is sent until the stream of its page shows the count of its answer, or a higher one. What is sent late,
/// because the pods are slow, counts from then.
/// </summary>
internal sealed class EventDelay : IWorkload
{
    private const int Pods = 3;
    private const int Pages = 100;
    private const int LikesPerSecond = 1_000;

    public string Name => "w12";

    public string Title => $"from a like on one pod to its event on another pod's stream, {LikesPerSecond:#,0} likes a second of {Pages} pages, three pods";

    public bool Suits(BenchSystem system) => system.HasLikes;

    public async Task<IReadOnlyList<Measurement>> MeasureAsync(BenchSystem system, int round, Workbench bench, CancellationToken cancellationToken)
    {
        var pods = await bench.Starter.StartAllAsync(system, Pods, cancellationToken);
        try
        {
            await ClusterProbe.WaitUntilBalancedAsync(pods, cancellationToken);
            string[] pages = [.. Enumerable.Range(0, Pages).Select(number => $"watched-{round}-{number}")];
            await using var streams = await LikeStreams.OpenAsync(pods[1], pages);
            await LikeAsync(pods[0], pages, bench.Options.WarmUp, cancellationToken);

            await bench.Postgres.CheckpointAsync(cancellationToken);
            var cpu = new CpuMeter(pods, bench.Postgres);
            var (answers, likes) = await LikeAsync(pods[0], pages, bench.Options.Duration, cancellationToken);
            double[] delays = [.. await DelaysAsync(streams, likes)];
            if (delays.Length == 0)
            {
                throw new InvalidOperationException($"No stream has shown a like; {answers.Errors} requests failed.");
            }

            var sent = answers.Succeeded + answers.Errors;
            return
            [
                new Measurement(Name, "to the answer", system.Name, round).With(answers, cpu, pods) with { Sent = sent },
                new Measurement(Name, "to the event", system.Name, round)
                {
                    MedianMs = Statistics.Percentile(delays, 0.5),
                    P99Ms = Statistics.Percentile(delays, 0.99),
                    Sent = sent,
                    Seen = delays.Length,
                    Errors = likes.Count - delays.Length,
                },
            ];
        }
        finally
        {
            foreach (var pod in pods)
            {
                await pod.DisposeAsync();
            }
        }
    }

    private static async Task<(LoadResult Answers, IReadOnlyCollection<Like> Likes)> LikeAsync(
        Server pod, string[] pages, TimeSpan duration, CancellationToken cancellationToken)
    {
        var likes = new ConcurrentBag<Like>();
        using var load = new PacedLoad([pod], LikesPerSecond, number => pod.System.Paths.WriteOf(PageOf(number)), _ => "")
        {
            OnAnswer = (number, sent, answer) => likes.Add(new Like(PageOf(number), LikeCount.Parser.ParseJson(answer).Count, sent)),
        };
        return (await load.RunAsync(duration, cancellationToken), likes);

        string PageOf(int number) => pages[number % pages.Length];
    }

    /// <summary>Milliseconds, of the likes that the streams have shown.</summary>
    private static async Task<IEnumerable<double>> DelaysAsync(LikeStreams streams, IReadOnlyCollection<Like> likes)
    {
        await Task.WhenAll(likes.GroupBy(like => like.Page).Select(page => streams.TryWaitForAsync(page.Key, page.Max(like => like.Count))));
        return
            from like in likes
            let seen = streams.SeenAt(like.Page, like.Count)
            where seen is not null
            select Stopwatch.GetElapsedTime(like.Sent, seen.Value).TotalMilliseconds;
    }

    /// <param name="Page">The page.</param>
    /// <param name="Count">Of its likes, in the answer.</param>
    /// <param name="Sent">A timestamp of <see cref="Stopwatch"/>.</param>
    private sealed record Like(string Page, ulong Count, long Sent);
}
