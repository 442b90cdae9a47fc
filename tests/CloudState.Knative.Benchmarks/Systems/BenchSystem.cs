namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>A system to be measured.</summary>
/// <param name="Name">How <c>--systems</c> and the tables call it.</param>
/// <param name="Program">The file that is started; where it is missing the system is skipped.</param>
internal sealed record BenchSystem(string Name, string Program)
{
    /// <summary>What the program is started with.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>What it has in its environment beside what all systems have.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings { get; init; } = [];

    public CartPaths Paths { get; init; } = CartPaths.Rest;

    /// <summary>The only workloads that make sense for it; null: all.</summary>
    public IReadOnlyList<string>? Workloads { get; init; }

    public bool IsCloudState { get; init; }

    /// <summary>Whether it counts the likes of pages, instead of keeping carts.</summary>
    public bool HasLikes => Paths == CartPaths.Likes;

    /// <summary>Whether a restart finds the carts again.</summary>
    public bool KeepsCarts { get; init; } = true;

    public GrpcEdge Grpc { get; init; }

    public IReadOnlyList<string> Command => Path.GetExtension(Program) switch
    {
        ".dll" => ["dotnet", Program, .. Arguments],
        ".sh" => ["bash", Program, .. Arguments],
        _ => [Program, .. Arguments],
    };

    public string Database => $"bench_{Name.Replace('-', '_')}";
}
