using CloudState.Knative;
using Google.Protobuf.WellKnownTypes;
using ShoppingCart.Api;
using ShoppingCart.Domain;

namespace ShoppingCart;

[EventSourcedEntity<Api.ShoppingCart.ShoppingCartBase>("shopping-cart", SnapshotEvery = 100)]
public sealed class ShoppingCartEntity : EventSourcedEntity<Domain.Cart>
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

        if ((long)command.Quantity + (Find(command.ProductId)?.Quantity ?? 0) > int.MaxValue)
        {
            context.Fail($"There cannot be more than {int.MaxValue} of item {command.ProductId}.");
        }

        context.Emit(new ItemAdded
        {
            Item = new Domain.LineItem { ProductId = command.ProductId, Name = command.Name, Quantity = command.Quantity },
        });
        return new Empty();
    }

    public Empty RemoveItem(RemoveLineItem command, CommandContext context)
    {
        if (Find(command.ProductId) is null)
        {
            context.Fail($"Item {command.ProductId} is not in the cart.");
        }

        context.Emit(new ItemRemoved { ProductId = command.ProductId });
        return new Empty();
    }

    public Api.Cart GetCart(GetShoppingCart command) => new()
    {
        Items = { State.Items.Select(item => new Api.LineItem { ProductId = item.ProductId, Name = item.Name, Quantity = item.Quantity }) },
    };

    public Api.Cart WatchCart(GetShoppingCart command) => GetCart(command);

    public void Apply(ItemAdded added)
    {
        if (Find(added.Item.ProductId) is { } existing)
        {
            existing.Quantity += added.Item.Quantity;
        }
        else
        {
            State.Items.Add(added.Item);
        }
    }

    public void Apply(ItemRemoved removed) => State.Items.Remove(Find(removed.ProductId));

    private Domain.LineItem? Find(string productId) => State.Items.FirstOrDefault(item => item.ProductId == productId);
}
