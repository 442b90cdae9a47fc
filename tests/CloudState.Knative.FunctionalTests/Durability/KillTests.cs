using System.Collections.Concurrent;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>kill -9 in the middle of a load of writes: what was acknowledged must be there, and what a client repeats must count once.</summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int Writers = 16;
    private const int Kills = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("cloudstate").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public Task EmbeddedStore_KeepsWhatWasAcknowledged() =>
        KillUnderLoadAsync([("CloudState__Sqlite__Path", Path.Combine(_folder, "carts.db"))]);

    [Fact]
    public async Task Postgres_KeepsWhatWasAcknowledged()
    {
        var schema = new PostgresSchema();
        await schema.InitializeAsync();
        await KillUnderLoadAsync([("ConnectionStrings__CloudState", PostgresSchema.ConnectionString), ("CloudState__Marten__SchemaName", schema.Name)]);
        await schema.DisposeAsync();
    }

    private async Task KillUnderLoadAsync((string, string)[] settings)
    {
        var acknowledged = new ConcurrentDictionary<string, int>();
        var numbers = new int[Writers];
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var service = await ServiceProcess.StartAsync(settings);
            var enough = new CountdownEvent(Writers * 10);
            var writing = Enumerable.Range(0, Writers).Select(writer => WriteAsync(service, writer, numbers, acknowledged, enough)).ToArray();
            Assert.True(await Task.Run(() => enough.Wait(TestService.Patience)), service.Output);
            await service.KillAsync();
            await Task.WhenAll(writing).WaitAsync(TestService.Patience);
        }

        await using var restarted = await ServiceProcess.StartAsync(settings);
        var found = new ConcurrentDictionary<string, int>();
        for (var writer = 0; writer < Writers; writer++)
        {
            // The last command of each writer has an unknown outcome: repeating it settles it.
            await restarted.Carts.AddItemAsync(ItemOf(writer, numbers[writer]), CommandIdOf(writer, numbers[writer]));
            acknowledged[$"{CartOf(writer)}/{ProductOf(writer, numbers[writer])}"] = 1;
        }

        foreach (var cart in Enumerable.Range(0, Writers).Select(CartOf).Distinct())
        {
            foreach (var item in (await restarted.Carts.GetCartAsync(new GetShoppingCart { UserId = cart })).Items)
            {
                Assert.True(found.TryAdd($"{cart}/{item.ProductId}", item.Quantity));
            }
        }

        output.WriteLine($"{acknowledged.Count} acknowledged, {found.Count} found, after {Kills} kills");
        Assert.Equal(acknowledged.OrderBy(item => item.Key, StringComparer.Ordinal), found.OrderBy(item => item.Key, StringComparer.Ordinal));
    }

    /// <summary>Adds items until the service is gone; a command whose outcome is unknown is repeated first in the next round.</summary>
    private static async Task WriteAsync(ServiceProcess service, int writer, int[] numbers, ConcurrentDictionary<string, int> acknowledged, CountdownEvent enough)
    {
        try
        {
            while (true)
            {
                await service.Carts.AddItemAsync(ItemOf(writer, numbers[writer]), CommandIdOf(writer, numbers[writer]));
                acknowledged[$"{CartOf(writer)}/{ProductOf(writer, numbers[writer])}"] = 1;
                numbers[writer]++;
                if (!enough.IsSet)
                {
                    try
                    {
                        enough.Signal();
                    }
                    catch (InvalidOperationException)
                    {
                        // Another writer gave the last signal.
                    }
                }
            }
        }
        catch (RpcException gone) when (gone.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.Cancelled)
        {
        }
    }

    // Four writers share a cart, so that batches hold several commands of one entity.
    private static string CartOf(int writer) => $"cart-{writer / 4}";

    private static string ProductOf(int writer, int number) => $"{writer}-{number}";

    private static AddLineItem ItemOf(int writer, int number) =>
        new() { UserId = CartOf(writer), ProductId = ProductOf(writer, number), Name = $"writer {writer}", Quantity = 1 };

    private static Metadata CommandIdOf(int writer, int number) => new() { { "idempotency-key", $"{writer}/{number}" } };
}
