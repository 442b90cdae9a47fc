using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Journal;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>PgBouncer in transaction mode between the service and PostgreSQL.</summary>
public sealed class PgBouncerTests(PostgresSchema schema) : IClassFixture<PostgresSchema>
{
    private readonly ServiceLog _log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutPreparedStatements_PodsServeAndHandOver()
    {
        await using var pooler = await PgBouncer.StartAsync(Cancellation);
        var connection = $"{pooler.ConnectionString};Max Auto Prepare=0";
        var first = await StartAsync(connection);
        await using var second = await StartAsync(connection);
        await Pods.SettledAsync(first, second);
        var orders = Enumerable.Range(0, 20).Select(_ => $"{Guid.NewGuid():N}").ToArray();
        foreach (var order in orders)
        {
            await first.PlaceAsync(order, order);
            await second.PlaceAsync(order, order);
        }

        await first.DisposeAsync();
        await using var third = await StartAsync(connection);
        await Pods.SettledAsync(second, third);
        foreach (var order in orders)
        {
            await third.PlaceAsync(order, order);
            await ReservedAsync(third, order, 3);
        }

        Assert.Empty(_log.Of("StoreDown"));
    }

    [Fact]
    public async Task WithPreparedStatements_SaysWhichSettingIsMissing()
    {
        await using var pooler = await PgBouncer.StartAsync(Cancellation);
        var services = new List<TestService>();
        try
        {
            while (!_log.Of("StoreDown").Any(line => line.Contains("Add 'Max Auto Prepare=0' to the connection string", StringComparison.Ordinal)))
            {
                Assert.True(services.Count < 8, "No two services have met on a connection.");
                services.Add(await StartAsync(pooler.ConnectionString));
                for (var attempt = 0; attempt < 20; attempt++)
                {
                    using var answer = await services[^1].Http1.PostAsync($"/cloudstate.tests.shop.Orders/Place", Place(), Cancellation);
                }
            }
        }
        finally
        {
            foreach (var service in services)
            {
                service.ExpectErrors();
                await service.DisposeAsync();
            }
        }
    }

    private static StringContent Place() => new($$"""{"order":"{{Guid.NewGuid():N}}"}""", System.Text.Encoding.UTF8, "application/json");

    private static async Task ReservedAsync(TestService shop, string product, int expected)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while ((await new Stock.StockClient(shop.Channel).GetAsync(new GetStock { Product = product }, cancellationToken: patience.Token)).Reserved != expected)
        {
            await Task.Yield();
        }
    }

    private Task<TestService> StartAsync(string connection) => ShopService.StartAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton<ILoggerProvider>(_log);
            cloudState.AddEntity<StockEntity>();
        },
        ("ConnectionStrings:CloudState", connection), ("CloudState:Marten:SchemaName", schema.Name));
}
