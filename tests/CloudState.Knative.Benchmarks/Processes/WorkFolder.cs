namespace CloudState.Knative.Benchmarks.Processes;

/// <summary>The folder of this run, which <c>tests/bench.sh</c> has made and deletes.</summary>
internal static class WorkFolder
{
    public static string Path { get; } = Environment.GetEnvironmentVariable("CLOUDSTATE_BENCH_WORK")
        ?? throw new InvalidOperationException("Run the benchmarks with 'bash tests/bench.sh'.");

    public static string Logs { get; } = Directory.CreateDirectory(System.IO.Path.Combine(Path, "logs")).FullName;
}
