namespace CloudState.Knative.Benchmarks.Events;

/// <summary>What <c>journal</c> was called with.</summary>
internal sealed record JournalRunOptions
{
    public static readonly string Usage = $"""
        Usage: dotnet run --project tests/CloudState.Knative.Benchmarks -c Release -- journal [options]
        Measures what an event costs PostgreSQL, for each number of pods and of consumers that take the events.
          --pods a,b,...        how many pods; default 1,3,9
          --consumers a,b,...   how many consumers, {SensorPod.MaxConsumers} at most; default 0,1,5
          --rate N              commands a second, over all pods; default 500
          --rounds N            how often each is measured, in turn; default 2
          --seconds N           length of a measurement; default 6
          --warmup N            seconds of load before it; default 4
        """;

    public IReadOnlyList<int> Pods { get; init; } = [1, 3, 9];

    public IReadOnlyList<int> Consumers { get; init; } = [0, 1, 5];

    public int Rate { get; init; } = 500;

    public int Rounds { get; init; } = 2;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(6);

    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(4);

    /// <exception cref="FormatException">An option is unknown, lacks its value or has one that makes no sense.</exception>
    public static JournalRunOptions Parse(IReadOnlyList<string> args)
    {
        var options = new JournalRunOptions();
        foreach (var pair in args.Chunk(2))
        {
            options = pair is [var name, var value] ? With(options, name, value) : throw new FormatException($"{pair[0]}: a value is missing.");
        }

        return options;
    }

    private static JournalRunOptions With(JournalRunOptions options, string name, string value) => name switch
    {
        "--pods" => options with { Pods = Numbers(name, value, 1, 20) },
        "--consumers" => options with { Consumers = Numbers(name, value, 0, SensorPod.MaxConsumers) },
        "--rate" => options with { Rate = RunOptions.Number(name, value, 1, 100_000) },
        "--rounds" => options with { Rounds = RunOptions.Number(name, value, 1, 100) },
        "--seconds" => options with { Duration = TimeSpan.FromSeconds(RunOptions.Number(name, value, 1, 3600)) },
        "--warmup" => options with { WarmUp = TimeSpan.FromSeconds(RunOptions.Number(name, value, 1, 3600)) },
        _ => throw new FormatException($"There is no option {name}."),
    };

    private static int[] Numbers(string name, string value, int min, int max) => [.. value.Split(',').Select(number => RunOptions.Number(name, number, min, max))];
}
