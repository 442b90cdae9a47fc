using CloudState.Knative.Benchmarks.Load;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Workloads;

/// <summary>Carts that are made once per system and stay for the run.</summary>
/// <param name="Prefix">Of their names, which a number follows.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Events">How often each is written to, with at most ten products.</param>
internal sealed record CartSet(string Prefix, int Count, int Events)
{
    private const int Connections = 64;

    /// <summary>For loads that write. Their size grows with what a system has managed to write.</summary>
    public static readonly CartSet Written = new("written-", 10_000, 1);

    /// <summary>For loads that only read: the same carts in all systems, whatever these did before.</summary>
    public static readonly CartSet Read = new("read-", 10_000, 3);

    private readonly HashSet<string> _made = [];

    public IEnumerable<string> Names => Enumerable.Range(0, Count).Select(number => $"{Prefix}{number}");

    public bool IsMadeFor(BenchSystem system) => system.KeepsCarts && _made.Contains(system.Name);

    /// <summary>Makes the carts, if the system does not have them yet, and reads all, so that a system that keeps carts in memory has them there.</summary>
    public async Task WarmAsync(Server server, CancellationToken cancellationToken)
    {
        await MakeAsync(server, cancellationToken);
        using var client = new CartClient(server);
        await ParallelWork.ForEachAsync(Connections, Names, async (name, token) =>
        {
            var cart = await client.ReadAsync(name, token);
            if (!cart.Contains("productId", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"Cart {name} is empty: {cart}");
            }
        }, cancellationToken);
    }

    public async Task MakeAsync(Server server, CancellationToken cancellationToken)
    {
        if (!IsMadeFor(server.System))
        {
            // No more writers than carts: some systems refuse most writes when several meet in one cart.
            using var client = new CartClient(server);
            await ParallelWork.ForEachAsync(
                Math.Min(Connections, Count),
                from product in Enumerable.Range(0, Events) from name in Names select (Cart: name, Product: product),
                async (write, token) => await client.WriteAsync(write.Cart, write.Product, token),
                cancellationToken);
            _made.Add(server.System.Name);
        }
    }
}
