namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>All systems, in the order in which they take their turns.</summary>
internal static class SystemCatalog
{
    public const string CloudState = "cloudstate";
    public const string CloudStateAot = "cloudstate-aot";

    public const string Likes = "likes";
    public const string LikesLocal = "likes-local";

    private static readonly string[] EdgeOnly = ["w1", "w2", "w2g", "w3", "w7"];

    public static readonly IReadOnlyList<BenchSystem> All =
    [
        new(CloudState, Published("jit", "ShoppingCart.dll")) { IsCloudState = true, Grpc = GrpcEdge.SamePort },
        new(CloudStateAot, Published("aot", "ShoppingCart")) { IsCloudState = true, Grpc = GrpcEdge.SamePort },
        new("akka", Peer("Akka")),
        new("orleans", Peer("Orleans")),
        new("wolverine", Peer("Wolverine")),
        new("naive", Peer("Naive")),
        new("restate", Path.Combine(Peers, "Restate", "start.sh")) { Paths = CartPaths.Restate },
        new("groupinsert", Peer("GroupInsert")) { Workloads = ["w1", "w3", "w7"] },
        new("nostorage", Peer("NoStorage")) { Workloads = EdgeOnly, KeepsCarts = false, Grpc = GrpcEdge.OwnPort },
        new(Likes, Published("likes", "Likes.dll")) { IsCloudState = true, Grpc = GrpcEdge.SamePort, Paths = CartPaths.Likes, Workloads = ["w10", "w11", "w12", "w13"] },
        new(LikesLocal, Published("likes", "Likes.dll"))
        {
            IsCloudState = true,
            Grpc = GrpcEdge.SamePort,
            Paths = CartPaths.Likes,
            Workloads = ["w10", "w11"],
            Settings = [("CloudState__Crdt__Level", "Local")],
        },
        new("akka-ddata", Peer("AkkaDData")) { Paths = CartPaths.Likes, Workloads = ["w10"], KeepsCarts = false },
        new("empty", Peer("Empty")) { Workloads = ["w5"], KeepsCarts = false },
    ];

    public static IReadOnlyList<string> Names => [.. All.Select(system => system.Name)];

    private static string Peers => Path.Combine(Setting("CLOUDSTATE_BENCH_PROJECT"), "Peers");

    private static string Peer(string name) => Path.Combine(Peers, name, "bin", "Release", "net10.0", $"{name}Peer.dll");

    private static string Published(string build, string file) => Path.Combine(Setting("CLOUDSTATE_BENCH_PUBLISHED"), build, file);

    private static string Setting(string name) => Environment.GetEnvironmentVariable(name)
        ?? throw new InvalidOperationException($"{name} is not set. Run the benchmarks with 'bash tests/bench.sh'.");
}
