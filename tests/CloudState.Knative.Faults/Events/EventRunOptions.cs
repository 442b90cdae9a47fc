using System.Globalization;

namespace CloudState.Knative.Faults.Events;

/// <summary>What <c>tests/faults.sh --events</c> was called with.</summary>
internal sealed record EventRunOptions
{
    public const string Usage = """
        Usage: bash tests/faults.sh --events N [options]
          --kill-every S     seconds from one SIGKILL to the next, on average; default 5; 0 kills nobody
          --pods N           1 to 6; default 3
          --keys N           how many entities the events are for; default 200
          --duplicates P     the share of the events that is delivered twice; default 0.1
          --reorder P        the share of the events that later ones overtake; default 0.1
          --in-order yes|no  whether the topic keeps the order of the numbers of a key, however they come; default no
          --concurrency N    how many deliveries are under way at the same time; default 64
          --seed S           of the kills and of the deliveries; default 1
        """;

    public required int Events { get; init; }

    public TimeSpan KillEvery { get; init; } = TimeSpan.FromSeconds(5);

    public int Pods { get; init; } = 3;

    public int Keys { get; init; } = 200;

    public double Duplicates { get; init; } = 0.1;

    public double Reorder { get; init; } = 0.1;

    public bool InOrder { get; init; }

    public int Concurrency { get; init; } = 64;

    /// <summary>How many events the broker has begun to deliver at most. Those that are held back must not keep their predecessors from being sent.</summary>
    public int Window => InOrder ? Concurrency + (Source.LongestDelay * 2 * Keys) : Concurrency;

    public int Seed { get; init; } = 1;

    /// <exception cref="FormatException">An option is unknown, lacks its value or has one that makes no sense.</exception>
    public static EventRunOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new EventRunOptions { Events = 0 };
        foreach (var (name, value) in RunOptions.Pairs(args))
        {
            options = name switch
            {
                "--events" => options with { Events = RunOptions.Number(name, value, 1, 10_000_000) },
                "--kill-every" => options with { KillEvery = TimeSpan.FromSeconds(Fraction(name, value, 3600)) },
                "--pods" => options with { Pods = RunOptions.Number(name, value, 1, RunOptions.MaxPods) },
                "--keys" => options with { Keys = RunOptions.Number(name, value, 1, 100_000) },
                "--duplicates" => options with { Duplicates = Fraction(name, value, 1) },
                "--reorder" => options with { Reorder = Fraction(name, value, 1) },
                "--in-order" => options with { InOrder = value is "yes" or "no" ? value == "yes" : throw RunOptions.Wrong(name, value) },
                "--concurrency" => options with { Concurrency = RunOptions.Number(name, value, 1, 1000) },
                "--seed" => options with { Seed = RunOptions.Number(name, value, 0, int.MaxValue) },
                _ => throw new FormatException($"There is no option {name}."),
            };
        }

        return options;
    }

    private static double Fraction(string name, string value, double max) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= 0 && number <= max ? number : throw RunOptions.Wrong(name, value);
}
