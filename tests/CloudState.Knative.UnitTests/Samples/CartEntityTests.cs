extern alias carts;

using carts::Carts;
using carts::Carts.Api;
using carts::Carts.Domain;
using CloudState.Knative.Testing;
using OrderLine = carts::Orders.Events.OrderLine;
using OrderPlaced = carts::Orders.Events.OrderPlaced;

namespace CloudState.Knative.UnitTests.Samples;

public class CartEntityTests
{
    private readonly EventSourcedTestKit<Cart> _cart = EntityTestKit.Create(() => new CartEntity(), "alice");

    [Fact]
    public async Task AddItem_IsInTheCart()
    {
        var result = await _cart.WhenAsync(new AddLineItem { CartId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 });

        Assert.Equal([new ItemAdded { Item = Item("p1", "Apple", 2) }], result.Events);
        Assert.Equal(new Cart { Items = { Item("p1", "Apple", 2) } }, result.State);
    }

    [Theory]
    [InlineData("", 1, "A line item needs a product_id.")]
    [InlineData("p1", 0, "The quantity of item p1 must be positive, but is 0.")]
    public async Task AddItem_ThatMakesNoSense_IsRejected(string product, int quantity, string message)
    {
        var result = await _cart.WhenAsync(new AddLineItem { CartId = "alice", ProductId = product, Name = "Apple", Quantity = quantity });

        Assert.Equal(message, result.Failure?.Detail);
        Assert.Empty(result.Events);
    }

    [Fact]
    public async Task CheckOut_MakesAnOrderOfAllLines_AndEmptiesTheCart()
    {
        _cart.Given(new ItemAdded { Item = Item("p1", "Apple", 2) }, new ItemAdded { Item = Item("p2", "Pear", 1) });

        var result = await _cart.WhenAsync(new CheckOutCart { CartId = "alice" });

        Assert.Equal([new CheckedOut { CartId = "alice", OrderId = "alice-1", Lines = { Item("p1", "Apple", 2), Item("p2", "Pear", 1) } }], result.Events);
        Assert.Equal(new Checkout { OrderId = "alice-1" }, result.Reply<Checkout>());
        Assert.Equal(new Cart { Checkouts = 1 }, result.State);
    }

    [Fact]
    public async Task CheckOut_Again_MakesAnotherOrder()
    {
        _cart.GivenSnapshot(new Cart { Checkouts = 1 }).Given(new ItemAdded { Item = Item("p1", "Apple", 2) });

        var result = await _cart.WhenAsync(new CheckOutCart { CartId = "alice" });

        Assert.Equal("alice-2", result.Reply<Checkout>().OrderId);
    }

    [Fact]
    public async Task CheckOut_OfAnEmptyCart_IsRejected()
    {
        var result = await _cart.WhenAsync(new CheckOutCart { CartId = "alice" });

        Assert.Equal("Cart alice is empty.", result.Failure?.Detail);
        Assert.Empty(result.Events);
    }

    [Fact]
    public async Task GetCart_ListsTheItems()
    {
        _cart.Given(new ItemAdded { Item = Item("p1", "Apple", 2) });

        var result = await _cart.WhenAsync(new GetShoppingCart { CartId = "alice" });

        Assert.Equal(new Cart { Items = { Item("p1", "Apple", 2) } }, result.Reply<Cart>());
    }

    [Fact]
    public async Task Announce_TellsOthersOfTheOrder()
    {
        var announcer = ActionTestKit.Create(() => new OrderAnnouncer());

        var result = await announcer.WhenAsync(new CheckedOut { CartId = "alice", OrderId = "alice-1", Lines = { Item("p1", "Apple", 2) } });

        Assert.Equal(
            new OrderPlaced { CartId = "alice", OrderId = "alice-1", Lines = { new OrderLine { ProductId = "p1", Name = "Apple", Quantity = 2 } } },
            result.Reply<OrderPlaced>());
    }

    private static LineItem Item(string product, string name, int quantity) => new() { ProductId = product, Name = name, Quantity = quantity };
}
