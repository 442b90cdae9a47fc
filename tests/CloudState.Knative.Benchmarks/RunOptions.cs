using System.Globalization;
using CloudState.Knative.Benchmarks.Systems;
using CloudState.Knative.Benchmarks.Workloads;

namespace CloudState.Knative.Benchmarks;

/// <summary>What <c>tests/bench.sh</c> was called with.</summary>
internal sealed record RunOptions
{
    public const int DefaultConnections = 64;

    public static readonly string Usage = $"""
        Usage: bash tests/bench.sh [options]
          --workloads a,b,...   only these:
        {string.Join('\n', WorkloadCatalog.All.Select(workload => $"                          {workload.Name,-4} {workload.Title}"))}
          --systems a,b,...     only these: {string.Join(", ", SystemCatalog.Names)}
          --connections a,b,... of the workloads w1, w3 and w10, measured one after another, each 1 to 1000; default 64
          --keys N              of the workload w13: how many keys are touched, 1000 to 10000000; default 1000000
          --rounds N            how often each system is measured, in turn; default 3
          --seconds N           length of a measurement; default 10
          --warmup N            seconds of load before it; default 5
          --aot                 also the sample as a native executable, which takes minutes to build
          --no-build            with what an earlier call has built
          --out FILE            for the raw figures; default a new one in the temporary folder
        """;

    public IReadOnlyList<string> Workloads { get; init; } = [.. WorkloadCatalog.All.Select(workload => workload.Name)];

    public IReadOnlyList<string> Systems { get; init; } = SystemCatalog.Names;

    /// <summary>How many connections write at the same time, in workloads that vary it.</summary>
    public IReadOnlyList<int> Connections { get; init; } = [DefaultConnections];

    /// <summary>How many keys are touched, in the workload that counts what they cost.</summary>
    public int Keys { get; init; } = 1_000_000;

    public int Rounds { get; init; } = 3;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(5);

    public bool WithAot { get; init; }

    public string Out { get; init; } = Path.Combine(Path.GetTempPath(), $"cloudstate-bench-{DateTime.Now:yyyyMMdd-HHmmss}.csv");

    /// <summary>Whether nothing is to be run: the script asks before it builds for minutes.</summary>
    public bool IsCheckOnly { get; init; }

    /// <exception cref="FormatException">An option is unknown, lacks its value or has one that makes no sense.</exception>
    public static RunOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new RunOptions();
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            if (WithFlag(options, name) is { } flagged)
            {
                options = flagged;
            }
            else
            {
                var value = ++i < args.Length ? args[i] : throw new FormatException($"{name}: a value is missing, or the option is unknown.");
                options = WithValue(options, name, value);
            }
        }

        return options;
    }

    private static RunOptions? WithFlag(RunOptions options, string name) => name switch
    {
        "--aot" => options with { WithAot = true },
        "--check" => options with { IsCheckOnly = true },
        "--no-build" => options,
        _ => null,
    };

    private static RunOptions WithValue(RunOptions options, string name, string value) => name switch
    {
        "--workloads" => options with { Workloads = Known(name, value, [.. WorkloadCatalog.All.Select(workload => workload.Name)]) },
        "--systems" => options with { Systems = Known(name, value, SystemCatalog.Names) },
        "--connections" => options with { Connections = [.. Words(name, value).Select(word => Number(name, word, 1, 1000)).Distinct()] },
        "--keys" => options with { Keys = Number(name, value, 1_000, 10_000_000) },
        "--rounds" => options with { Rounds = Number(name, value, 1, 100) },
        "--seconds" => options with { Duration = TimeSpan.FromSeconds(Number(name, value, 1, 3600)) },
        "--warmup" => options with { WarmUp = TimeSpan.FromSeconds(Number(name, value, 1, 3600)) },
        "--out" => options with { Out = Path.GetFullPath(value) },
        _ => throw new FormatException($"There is no option {name}."),
    };

    internal static int Number(string name, string value, int min, int max) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number : throw Wrong(name, value);

    private static string[] Known(string name, string value, IReadOnlyList<string> known)
    {
        var words = Words(name, value);
        return words.FirstOrDefault(word => !known.Contains(word)) is { } unknown ? throw Wrong(name, unknown) : words;
    }

    private static string[] Words(string name, string value)
    {
        var words = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length > 0 ? words : throw Wrong(name, value);
    }

    private static FormatException Wrong(string name, string value) => new($"{name}: '{value}' is not possible.");
}
