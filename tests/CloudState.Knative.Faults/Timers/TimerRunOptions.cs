namespace CloudState.Knative.Faults.Timers;

/// <summary>What <c>tests/faults.sh --timers</c> was called with.</summary>
internal sealed record TimerRunOptions
{
    public const string Usage = """
        Usage: bash tests/faults.sh --timers N [options]
          --kills K          how many pods are killed meanwhile; default 6, of fewer than 1,000 timers 3
          --pods N           1 to 6; default 3
          --seed S           of the timers and of the kills; default 1
        """;

    private const int FewTimers = 1000;

    public required int Timers { get; init; }

    public int? GivenKills { get; init; }

    public int Kills => GivenKills ?? (Timers < FewTimers ? 3 : 6);

    public int Pods { get; init; } = 3;

    public int Seed { get; init; } = 1;

    /// <summary>How many timers an entity has.</summary>
    public int PerEntity { get; } = 10;

    /// <summary>From when on timers are due, counted from the start.</summary>
    public TimeSpan FirstDue => Timers < FewTimers ? TimeSpan.FromSeconds(5) : TimeSpan.FromSeconds(10 + (Timers / 500));

    public TimeSpan LastDue => FirstDue + (Timers < FewTimers ? TimeSpan.FromSeconds(22) : TimeSpan.FromSeconds(60));

    /// <summary>How long there is no pod.</summary>
    public TimeSpan AtZero => Timers < FewTimers ? TimeSpan.FromSeconds(5) : TimeSpan.FromSeconds(20);

    /// <exception cref="FormatException">An option is unknown, lacks its value or has one that makes no sense.</exception>
    public static TimerRunOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new TimerRunOptions { Timers = 0 };
        foreach (var (name, value) in RunOptions.Pairs(args))
        {
            options = name switch
            {
                "--timers" => options with { Timers = RunOptions.Number(name, value, 1, 1_000_000) },
                "--kills" => options with { GivenKills = RunOptions.Number(name, value, 0, 1000) },
                "--pods" => options with { Pods = RunOptions.Number(name, value, 1, RunOptions.MaxPods) },
                "--seed" => options with { Seed = RunOptions.Number(name, value, 0, int.MaxValue) },
                _ => throw new FormatException($"There is no option {name}."),
            };
        }

        return options;
    }
}
