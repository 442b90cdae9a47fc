using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Runtime;
using CsCheck;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>
/// Random commands against a model of the cart, with passivations, snapshots and restarts in between. A failure prints the seed
/// (<c>CsCheck_Seed</c>) that repeats it.
/// </summary>
public sealed class CartModelTests : IDisposable
{
    private const int Runs = 12;

    private static readonly Gen<Step> Steps = Gen.Frequency<Step>(
        (8, Gen.Select(Gen.Int[0, 1], Gen.Int[0, 3], Gen.Int[-1, 3], Step (cart, product, quantity) => new Add(cart, product, quantity))),
        (4, Gen.Select(Gen.Int[0, 1], Gen.Int[0, 3], Step (cart, product) => new Remove(cart, product))),
        (4, Gen.Int[0, 1].Select(Step (cart) => new Read(cart))),
        (2, Gen.Int[0, 1].Select(Step (cart) => new Burst(cart))),
        (2, Gen.Const<Step>(new Passivate())),
        (1, Gen.Const<Step>(new Restart())));

    private readonly string _folder = Directory.CreateTempSubdirectory("cloudstate").FullName;

    private abstract record Step;

    private sealed record Add(int Cart, int Product, int Quantity) : Step;

    private sealed record Remove(int Cart, int Product) : Step;

    private sealed record Read(int Cart) : Step;

    /// <summary>Enough additions at the same time to pass a snapshot now and then.</summary>
    private sealed record Burst(int Cart) : Step;

    private sealed record Passivate : Step;

    private sealed record Restart : Step;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public Task EmbeddedStore_BehavesAsTheModel() =>
        CheckAsync(("CloudState:Sqlite:Path", Path.Combine(_folder, "carts.db")));

    [Fact]
    public async Task Postgres_BehavesAsTheModel()
    {
        var schema = new PostgresSchema();
        await schema.InitializeAsync();
        await CheckAsync(("ConnectionStrings:CloudState", PostgresSchema.ConnectionString), ("CloudState:Marten:SchemaName", schema.Name));
        await schema.DisposeAsync();
    }

    private static Task CheckAsync(params (string, string)[] settings) =>
        Steps.Array[10, 40].SampleAsync(steps => RunAsync(steps, settings), iter: Runs, threads: 1);

    private static async Task RunAsync(Step[] steps, (string, string)[] settings)
    {
        // Every run has carts of its own.
        var run = Guid.NewGuid().ToString("N");
        var model = new[] { new Cart(), new Cart() };
        var service = await StartAsync(settings);
        try
        {
            foreach (var step in steps)
            {
                switch (step)
                {
                    case Add add:
                        var item = new LineItem { ProductId = $"p{add.Product}", Name = "n", Quantity = add.Quantity };
                        var isAdded = await SucceedsAsync(service.Carts.AddItemAsync(new AddLineItem { UserId = run + add.Cart, ProductId = item.ProductId, Name = item.Name, Quantity = item.Quantity }));
                        Assert.Equal(Added(model[add.Cart], item), isAdded);
                        break;
                    case Remove remove:
                        var isRemoved = await SucceedsAsync(service.Carts.RemoveItemAsync(new RemoveLineItem { UserId = run + remove.Cart, ProductId = $"p{remove.Product}" }));
                        Assert.Equal(Removed(model[remove.Cart], $"p{remove.Product}"), isRemoved);
                        break;
                    case Burst burst:
                        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => service.Carts.AddItemAsync(
                            new AddLineItem { UserId = run + burst.Cart, ProductId = "burst", Name = "n", Quantity = 1 }).ResponseAsync));
                        Added(model[burst.Cart], new LineItem { ProductId = "burst", Name = "n", Quantity = 40 });
                        break;
                    case Passivate:
                        var table = Assert.Single(service.Services.GetRequiredService<EntityRuntime>().Tables).Value;
                        while (table.Count > 0)
                        {
                            await Task.Yield();
                            table.PassivateIdle();
                        }

                        break;
                    case Restart:
                        await service.DisposeAsync();
                        service = await StartAsync(settings);
                        break;
                }

                for (var cart = 0; cart < model.Length; cart++)
                {
                    Assert.Equal(model[cart], await service.Carts.GetCartAsync(new GetShoppingCart { UserId = run + cart }));
                }
            }
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    private static Task<TestService> StartAsync((string, string)[] settings) =>
        TestService.StartAsync(entities => entities.PassivateAfter = TimeSpan.FromMilliseconds(10), settings: settings);

    private static bool Added(Cart cart, LineItem item)
    {
        if (item.Quantity <= 0)
        {
            return false;
        }

        if (cart.Items.FirstOrDefault(existing => existing.ProductId == item.ProductId) is { } existing)
        {
            existing.Quantity += item.Quantity;
        }
        else
        {
            cart.Items.Add(item);
        }

        return true;
    }

    private static bool Removed(Cart cart, string productId) =>
        cart.Items.FirstOrDefault(item => item.ProductId == productId) is { } existing && cart.Items.Remove(existing);

    private static async Task<bool> SucceedsAsync<T>(AsyncUnaryCall<T> call)
    {
        try
        {
            await call;
            return true;
        }
        catch (RpcException rejected) when (rejected.StatusCode == StatusCode.FailedPrecondition)
        {
            return false;
        }
    }
}
