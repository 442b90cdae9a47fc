namespace CloudState.Knative.Benchmarks.Load;

internal static class ParallelWork
{
    public static Task ForEachAsync<T>(int connections, IEnumerable<T> items, Func<T, CancellationToken, ValueTask> body, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = connections, CancellationToken = cancellationToken }, body);
}
