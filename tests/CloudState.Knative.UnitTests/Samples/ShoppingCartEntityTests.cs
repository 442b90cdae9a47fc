using CloudState.Knative.Testing;
using Google.Protobuf.WellKnownTypes;
using ShoppingCart;
using ShoppingCart.Api;
using ShoppingCart.Domain;

namespace CloudState.Knative.UnitTests.Samples;

public class ShoppingCartEntityTests
{
    private readonly EventSourcedTestKit<ShoppingCart.Domain.Cart> _cart = EntityTestKit.Create(() => new ShoppingCartEntity(), "alice");

    [Fact]
    public async Task RemoveItem_TakesAllOfItOut()
    {
        _cart.Given(Added("p1", "Apple", 2), Added("p2", "Pear", 1));

        var result = await _cart.WhenAsync(new RemoveLineItem { UserId = "alice", ProductId = "p1" });

        Assert.Equal([new ItemRemoved { ProductId = "p1" }], result.Events);
        Assert.Equal([Item("p2", "Pear", 1)], result.State.Items);
    }

    [Fact]
    public async Task AddItem_ToAnEmptyCart_IsInTheCart()
    {
        var result = await _cart.WhenAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 });

        Assert.Equal([Added("p1", "Apple", 2)], result.Events);
        Assert.Equal(new Empty(), result.Reply<Empty>());
        Assert.Equal(new ShoppingCart.Domain.Cart { Items = { Item("p1", "Apple", 2) } }, result.State);
    }

    [Fact]
    public async Task AddItem_ThatIsInTheCart_AddsUp()
    {
        _cart.Given(Added("p1", "Apple", 2), Added("p2", "Pear", 1));

        var result = await _cart.WhenAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 3 });

        Assert.Equal([Item("p1", "Apple", 5), Item("p2", "Pear", 1)], result.State.Items);
    }

    [Theory]
    [InlineData("", 1, "A line item needs a product_id.")]
    [InlineData("p1", 0, "The quantity of item p1 must be positive, but is 0.")]
    [InlineData("p1", -1, "The quantity of item p1 must be positive, but is -1.")]
    [InlineData("p1", int.MaxValue, "There cannot be more than 2147483647 of item p1.")]
    public async Task AddItem_ThatMakesNoSense_IsRejected(string product, int quantity, string message)
    {
        _cart.Given(Added("p1", "Apple", 2));

        var result = await _cart.WhenAsync(new AddLineItem { UserId = "alice", ProductId = product, Name = "Apple", Quantity = quantity });

        Assert.Equal(message, result.Failure?.Detail);
        Assert.Empty(result.Events);
        Assert.Equal([Item("p1", "Apple", 2)], result.State.Items);
    }

    [Fact]
    public async Task RemoveItem_ThatIsNotInTheCart_IsRejected()
    {
        var result = await _cart.WhenAsync(new RemoveLineItem { UserId = "alice", ProductId = "p1" });

        Assert.Equal("Item p1 is not in the cart.", result.Failure?.Detail);
        Assert.Empty(result.Events);
    }

    [Fact]
    public async Task GetCart_ListsTheItems()
    {
        _cart.GivenSnapshot(new ShoppingCart.Domain.Cart { Items = { Item("p1", "Apple", 2) } }).Given(Added("p2", "Pear", 1));

        var result = await _cart.WhenAsync(new GetShoppingCart { UserId = "alice" }, nameof(ShoppingCartEntity.GetCart));

        Assert.Equal(["Apple", "Pear"], result.Reply<ShoppingCart.Api.Cart>().Items.Select(item => item.Name));
        Assert.Empty(result.Events);
    }

    private static ItemAdded Added(string product, string name, int quantity) => new() { Item = Item(product, name, quantity) };

    private static ShoppingCart.Domain.LineItem Item(string product, string name, int quantity) => new() { ProductId = product, Name = name, Quantity = quantity };
}
