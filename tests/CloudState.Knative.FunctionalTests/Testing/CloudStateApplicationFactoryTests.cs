using System.Net;
using System.Net.Http.Json;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Testing;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using ShoppingCart;
using ShoppingCart.Api;
using Xunit;
using Carts = ShoppingCart.Api.ShoppingCart.ShoppingCartClient;

namespace CloudState.Knative.FunctionalTests.Testing;

public sealed class CloudStateApplicationFactoryTests
{
    [Fact]
    public async Task Service_SpeaksGrpcAndRest_OnAPortOfItsOwn()
    {
        await using var service = new CloudStateApplicationFactory<ShoppingCartEntity>();
        var http = service.CreateClient();

        await new Carts(service.Channel).AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 }, deadline: Deadline);
        var cart = await http.GetStringAsync("/carts/alice/items").WaitAsync(TestService.Patience);

        Assert.Equal("""[{"productId":"p1","name":"Apple","quantity":2}]""", cart);
        Assert.Equal(service.Address, http.BaseAddress);
        Assert.NotEqual(8080, service.Address.Port);
    }

    [Fact]
    public async Task TwoServices_ShareNothing()
    {
        await using var first = new CloudStateApplicationFactory<ShoppingCartEntity>();
        await using var second = new CloudStateApplicationFactory<ShoppingCartEntity>();

        await new Carts(first.Channel).AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 }, deadline: Deadline);
        var cart = await new Carts(second.Channel).GetCartAsync(new GetShoppingCart { UserId = "alice" }, deadline: Deadline);

        Assert.Empty(cart.Items);
    }

    [Fact]
    public async Task ServicesAndSettings_AreReplaced()
    {
        var time = new FakeTimeProvider();
        await using var service = new CloudStateApplicationFactory<ShoppingCartEntity>
        {
            Time = time,
            Settings = { ["CloudState:MaxKeyLength"] = "3" },
        };

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new Carts(service.Channel).GetCartAsync(new GetShoppingCart { UserId = "alice" }, deadline: Deadline));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Same(time, service.Services.GetRequiredService<TimeProvider>());
        Assert.Equal(3, service.Services.GetRequiredService<IOptions<CloudStateOptions>>().Value.MaxKeyLength);
    }

    [Fact]
    public async Task FakeClock_StopsNoRequest()
    {
        await using var service = new CloudStateApplicationFactory<ShoppingCartEntity> { ConfigureServices = services => services.AddSingleton<TimeProvider>(new FakeTimeProvider()) };
        var http = service.CreateClient();

        var added = await http.PostAsJsonAsync("/cart/alice/items/add", new { productId = "p1", name = "Apple", quantity = 2 }).WaitAsync(TestService.Patience);

        Assert.Equal(HttpStatusCode.OK, added.StatusCode);
    }

    private static DateTime Deadline => DateTime.UtcNow + TestService.Patience;
}
