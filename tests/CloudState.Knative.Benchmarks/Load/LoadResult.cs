namespace CloudState.Knative.Benchmarks.Load;

/// <summary>What a load generator has seen.</summary>
/// <param name="Succeeded">Requests that were answered as they should be.</param>
/// <param name="Errors">All others, with those that got no answer.</param>
/// <param name="Duration">How long it ran.</param>
/// <param name="Median">Of the time to an answer.</param>
/// <param name="P99">What 99 % of the answers did not exceed.</param>
internal sealed record LoadResult(long Succeeded, long Errors, TimeSpan Duration, TimeSpan Median, TimeSpan P99)
{
    public double PerSecond => Succeeded / Duration.TotalSeconds;
}
