extern alias carts;
extern alias orders;

using System.Net.Http.Json;
using carts::Carts;
using carts::Carts.Api;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Testing;
using Microsoft.Extensions.Time.Testing;
using orders::Orders;
using orders::Orders.Api;
using Xunit;
using CartPlaced = carts::Orders.Events.OrderPlaced;
using Order = orders::Orders.Domain.Order;

namespace CloudState.Knative.FunctionalTests.Testing;

/// <summary>The services of the sample, in the process of the test: what they publish, and their timers on the test's clock.</summary>
public sealed class FactoryEventsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static DateTime Deadline => DateTime.UtcNow + TestService.Patience;

    [Fact]
    public async Task PublishedEvents_AreCollected_WithoutASink()
    {
        await using var service = new CloudStateApplicationFactory<CartEntity>();
        var client = new carts::Carts.Api.Carts.CartsClient(service.Channel);
        Assert.Empty(service.Published);

        await client.AddItemAsync(new AddLineItem { CartId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 }, deadline: Deadline);
        await client.CheckOutAsync(new CheckOutCart { CartId = "alice" }, deadline: Deadline);
        var published = await service.UntilPublishedAsync(events => events.Count == 1, Cancellation).WaitAsync(TestService.Patience, Cancellation);

        var placed = Assert.Single(published);
        Assert.Equal(("orders", "com.example.orders.OrderPlaced", "application/json"), (placed.Topic, placed.Type, placed.DataContentType));
        Assert.Equal(("alice-1", "alice"), (placed.Message<CartPlaced>().OrderId, placed.Message<CartPlaced>().CartId));
        Assert.Equal(placed.Id, placed.Attributes["id"]);
        var other = Assert.Throws<TestKitException>(placed.Message<CheckOutCart>);
        Assert.Equal($"The event {placed.Id} of orders is a com.example.orders.OrderPlaced, not a com.example.carts.CheckOutCart.", other.Message);
    }

    [Fact]
    public async Task Timer_FiresWhenTheTestAdvancesTheClock()
    {
        var time = new FakeTimeProvider();
        await using var service = new CloudStateApplicationFactory<OrderEntity> { Time = time };
        using var placing = new HttpRequestMessage(HttpMethod.Post, "/topics/orders") { Content = JsonContent.Create(new { orderId = "o1", cartId = "alice" }) };
        foreach (var (name, value) in new[] { ("specversion", "1.0"), ("type", "com.example.orders.OrderPlaced"), ("source", "/carts"), ("id", "1") })
        {
            placing.Headers.Add($"ce-{name}", value);
        }

        using var placed = await service.CreateClient().SendAsync(placing, Cancellation).WaitAsync(TestService.Patience, Cancellation);
        placed.EnsureSuccessStatusCode();
        Assert.Equal(Order.Types.Status.Placed, (await GetAsync()).Status);

        time.Advance(TimeSpan.FromMinutes(16));
        using var patience = new CancellationTokenSource(TestService.Patience);
        while ((await GetAsync()).Status != Order.Types.Status.Expired)
        {
            patience.Token.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
        }

        async Task<Order> GetAsync() => await new orders::Orders.Api.Orders.OrdersClient(service.Channel).GetAsync(new GetOrder { Id = "o1" }, deadline: Deadline);
    }
}
