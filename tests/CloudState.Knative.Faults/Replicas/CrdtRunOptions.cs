using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>What <c>tests/faults.sh --crdt</c> was called with.</summary>
internal sealed record CrdtRunOptions
{
    public const string Usage = """
        Usage: bash tests/faults.sh --crdt N [options]
          --seed S           of the faults and of the clients; default 1
          --pods N           how many pods there are at the start, 1 to 6; default 3
          --clients N        default 24, a third of them without command ids
          --rate N           operations per second of all clients together; default 100
          --keys N           how many counters and how many sets there are for clients with command ids; default 4
          --faults a,b,...   only these: kill, term, pause, rollout, postgres, database, peer (the default), scale, slow, clock; or none
          --sabotage S       early: the pods announce and acknowledge changes before they are stored; the run succeeds when an anomaly is found
        """;

    public required int Operations { get; init; }

    public int Keys { get; init; } = 4;

    /// <summary>What the cluster, the clients and the nemesis share with the suite of the carts.</summary>
    public RunOptions Run { get; init; } = new()
    {
        Pods = 3,
        Clients = 24,
        Rate = 100,
        Lease = TimeSpan.FromSeconds(2),
        Faults = [FaultKind.Kill, FaultKind.Term, FaultKind.Pause, FaultKind.Rollout, FaultKind.Postgres, FaultKind.Database, FaultKind.Peer],
    };

    /// <exception cref="FormatException">An option is unknown, lacks its value or has one that makes no sense.</exception>
    public static CrdtRunOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new CrdtRunOptions { Operations = 0 };
        foreach (var (name, value) in RunOptions.Pairs(args))
        {
            var run = options.Run;
            options = name switch
            {
                "--crdt" => options with { Operations = RunOptions.Number(name, value, 1, 10_000_000) },
                "--keys" => options with { Keys = RunOptions.Number(name, value, 1, 1000) },
                "--seed" => options with { Run = run with { Seed = RunOptions.Number(name, value, 0, int.MaxValue) } },
                "--pods" => options with { Run = run with { Pods = RunOptions.Number(name, value, 1, RunOptions.MaxPods) } },
                "--clients" => options with { Run = run with { Clients = RunOptions.Number(name, value, 1, 200) } },
                "--rate" => options with { Run = run with { Rate = RunOptions.Number(name, value, 1, 100_000) } },
                "--faults" => options with { Run = run with { Faults = RunOptions.Kinds(name, value) } },
                "--sabotage" => options with { Run = run with { Sabotage = value == Sabotage.Early ? value : throw RunOptions.Wrong(name, value) } },
                _ => throw new FormatException($"There is no option {name}."),
            };
        }

        return options;
    }
}
