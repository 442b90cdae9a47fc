using System.Net;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>What stands between a request to a service scaled to zero and its answer, beside the start of the process.</summary>
public sealed class ColdStartTests(PostgresSchema schema, ITestOutputHelper output) : IClassFixture<PostgresSchema>
{
    private static readonly (string, string)[] LongLease = [("CloudState:Cluster:Lease", "00:10:00"), ("CloudState:Cluster:Renewal", "00:04:00")];

    [Fact]
    public async Task FromZeroToOnePod_JoiningAndTheFirstEntity_TakeThreeRoundTrips()
    {
        await using (var earlier = await Pods.StartAsync(schema))
        {
            await earlier.Carts.AddItemAsync(new AddLineItem { UserId = "a", ProductId = "p", Quantity = 1 });
        }

        var database = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        await using var proxy = new TcpProxy(new IPEndPoint((await Dns.GetHostAddressesAsync(database.Host!, Pods.Cancellation))[0], database.Port));
        database.Host = "127.0.0.1";
        database.Port = proxy.Port;
        database.SslMode = SslMode.Disable;
        var costOfOpening = await CostOfOpeningAsync(proxy, database);
        var others = proxy.RoundTrips.Count;

        // What the start leaves for later reads from the store, too: that time does not come.
        await using var pod = await TestService.StartAsync(
            more: cloudState => cloudState.Services.AddSingleton<TimeProvider>(new TimeWithoutTimers()),
            settings: [.. Pods.Settings(schema), .. LongLease, ("ConnectionStrings:CloudState", database.ConnectionString)]);
        Assert.Equal(256, pod.Slots().Count);
        Assert.Single((await pod.Carts.GetCartAsync(new GetShoppingCart { UserId = "a" })).Items);

        // One that reads, one that appends, one for the member: they are opened side by side.
        var connections = proxy.RoundTrips.Skip(others).ToArray();
        var roundTrips = connections.Sum() - (connections.Length * costOfOpening);
        output.WriteLine($"{roundTrips} round trips, and {costOfOpening} each to open {connections.Length} connections");
        Assert.InRange(roundTrips, 1, 3);
        Assert.Equal(3, connections.Length);
    }

    private static async Task<int> CostOfOpeningAsync(TcpProxy proxy, NpgsqlConnectionStringBuilder database)
    {
        await using var source = new NpgsqlDataSourceBuilder(database.ConnectionString).ConfigureTypeLoading(types => types.EnableTypeLoading(false)).Build();
        await using var connection = await source.OpenConnectionAsync(Pods.Cancellation).AsTask().WaitAsync(TestService.Patience);
        return proxy.RoundTrips[^1];
    }

    private sealed class TimeWithoutTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
