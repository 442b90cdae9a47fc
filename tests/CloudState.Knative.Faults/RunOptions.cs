using System.Globalization;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults;

/// <summary>What <c>tests/faults.sh</c> was called with.</summary>
internal sealed record RunOptions
{
    public const string Usage = """
        Usage: bash tests/faults.sh [options]
          --minutes N        how long faults are injected; default 2
          --seed S           of the faults, of the clients and of the keys; default 1
          --pods N           how many pods there are at the start, 1 to 6; default 4
          --clients N        default 12, half of them gRPC
          --rate N           operations per second of all clients together; default 250
          --keys N           how many carts are in use at the same time; default 6
          --faults a,b,...   only these: kill, term, pause, scale, rollout, postgres, database, peer, slow, clock; or none
          --sabotage S       fence or self-fencing: the pods break a guarantee; the run succeeds when an anomaly is found.
                             The lack of a fence shows where carts are read more often than written while pods are paused:
                             fence implies --minutes 4 --keys 300 --clients 60 --rate 300 --faults pause unless these follow
               bash tests/faults.sh --effect-kills N [--store embedded|postgres]
          instead kills N pods, one after another, between the commit of an effect and its execution
               bash tests/faults.sh --events N [options]
          instead sends N events through entities, their journals and an action to a sink while pods are killed
               bash tests/faults.sh --timers N [options]
          instead sets N timers while pods are killed, and for a while there are none
               bash tests/faults.sh --crdt N [options]
          instead does N operations on counters and sets of which every pod has a replica, under the same faults
        """;

    public const int MaxPods = 6;

    public double Minutes { get; init; } = 2;

    public int Seed { get; init; } = 1;

    public int Pods { get; init; } = 4;

    public int Clients { get; init; } = 12;

    public int Rate { get; init; } = 250;

    public int Keys { get; init; } = 6;

    public IReadOnlyList<FaultKind> Faults { get; init; } = Enum.GetValues<FaultKind>();

    public string? Sabotage { get; init; }

    /// <summary>How long a silent pod stays a member, and the unit in which the nemesis measures its faults.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client waits for one answer.</summary>
    public TimeSpan AttemptTimeout => Lease + TimeSpan.FromSeconds(5);

    /// <exception cref="FormatException">An option is unknown, lacks its value or has one that makes no sense.</exception>
    public static RunOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new RunOptions();
        foreach (var (name, value) in Pairs(args))
        {
            options = name switch
            {
                "--minutes" => options with { Minutes = double.TryParse(value, CultureInfo.InvariantCulture, out var minutes) && minutes is > 0 and < 1000 ? minutes : throw Wrong(name, value) },
                "--seed" => options with { Seed = Number(name, value, 0, int.MaxValue) },
                "--pods" => options with { Pods = Number(name, value, 1, MaxPods) },
                "--clients" => options with { Clients = Number(name, value, 1, 200) },
                "--rate" => options with { Rate = Number(name, value, 1, 100_000) },
                "--keys" => options with { Keys = Number(name, value, 1, 1000) },
                "--faults" => options with { Faults = Kinds(name, value) },
                "--sabotage" when value == CloudState.Knative.Faults.Sabotage.Fence =>
                    options with { Sabotage = value, Minutes = 4, Keys = 300, Clients = 60, Rate = 300, Faults = [FaultKind.Pause] },
                "--sabotage" => options with { Sabotage = CloudState.Knative.Faults.Sabotage.Names.Contains(value) ? value : throw Wrong(name, value) },
                _ => throw new FormatException($"There is no option {name}."),
            };
        }

        return options;
    }

    /// <summary>Options with their values.</summary>
    /// <exception cref="FormatException">A value is missing.</exception>
    public static (string Name, string Value)[] Pairs(ReadOnlySpan<string> args)
    {
        var pairs = new (string, string)[(args.Length + 1) / 2];
        for (var i = 0; i < args.Length; i += 2)
        {
            pairs[i / 2] = (args[i], i + 1 < args.Length ? args[i + 1] : throw new FormatException($"{args[i]}: a value is missing, or the option is unknown."));
        }

        return pairs;
    }

    public static int Number(string name, string value, int min, int max) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number : throw Wrong(name, value);

    public static FaultKind[] Kinds(string name, string value) => value == "none"
        ? []
        : [.. value.Split(',').Select(word => Enum.TryParse<FaultKind>(word, ignoreCase: true, out var kind) && !char.IsDigit(word[0]) ? kind : throw Wrong(name, word)).Distinct()];

    public static FormatException Wrong(string name, string value) => new($"{name}: '{value}' is not possible.");
}
