using Carts.Api;
using Carts.Domain;
using CloudState.Knative;
using Google.Protobuf.WellKnownTypes;

namespace Carts;

[EventSourcedEntity<Api.Carts.CartsBase>("cart")]
public sealed class CartEntity : EventSourcedEntity<Cart>
{
    public Empty AddItem(AddLineItem command, CommandContext context)
    {
        if (command.ProductId.Length == 0)
        {
            context.Fail("A line item needs a product_id.");
        }

        if (command.Quantity <= 0)
        {
            context.Fail($"The quantity of item {command.ProductId} must be positive, but is {command.Quantity}.");
        }

        context.Emit(new ItemAdded
        {
            Item = new LineItem { ProductId = command.ProductId, Name = command.Name, Quantity = command.Quantity },
        });
        return new Empty();
    }

    public Checkout CheckOut(CheckOutCart command, CommandContext context)
    {
        if (State.Items.Count == 0)
        {
            context.Fail($"Cart {command.CartId} is empty.");
        }

        var orderId = $"{command.CartId}-{State.Checkouts + 1}";
        context.Emit(new CheckedOut { CartId = command.CartId, OrderId = orderId, Lines = { State.Items } });
        return new Checkout { OrderId = orderId };
    }

    public Cart GetCart(GetShoppingCart command) => State;

    public void Apply(ItemAdded added) => State.Items.Add(added.Item);

    public void Apply(CheckedOut checkedOut)
    {
        State.Items.Clear();
        State.Checkouts++;
    }
}
