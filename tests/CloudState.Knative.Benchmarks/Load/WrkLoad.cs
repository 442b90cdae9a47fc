namespace CloudState.Knative.Benchmarks.Load;

/// <summary>A load for wrk.</summary>
/// <param name="Script">Which requests, a file beside this one.</param>
/// <param name="Prefix">Of the names of the carts, which a number follows.</param>
/// <param name="Carts">How many there are; each request takes one at random.</param>
internal sealed record WrkLoad(string Script, string Prefix, int Carts)
{
    public int Connections { get; init; } = RunOptions.DefaultConnections;

    public int Threads { get; init; } = 2;
}
