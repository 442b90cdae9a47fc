using JasperFx.Events;
using Microsoft.AspNetCore.Mvc;
using Wolverine.Http;
using Wolverine.Marten;
using ConcurrencyStyle = Wolverine.Marten.ConcurrencyStyle;

namespace Peers;

public sealed record ItemAdded(Item Item);

/// <summary>The aggregate: what Marten's inline snapshot holds.</summary>
public sealed partial record CartView(string Id, Item[] Items)
{
    public static CartView Create(IEvent<ItemAdded> added) => new(added.StreamKey!, [added.Data.Item]);

    public CartView Apply(ItemAdded added) => this with { Items = new Cart(Items).With(added.Item).Items };
}

public static class AddItemEndpoint
{
    public static ProblemDetails Validate(Item item)
        => item.Quantity > 0 ? WolverineContinue.NoProblems : new ProblemDetails { Status = StatusCodes.Status400BadRequest };

    // The stream's row is locked while it is written: commands to one cart wait for each other instead of failing.
    [WolverinePost("/cart/{user}/items/add")]
    public static (Done, Events) Add(Item item, [WriteAggregate("user", Required = false, LoadStyle = ConcurrencyStyle.Exclusive)] CartView? cart)
        => (Done.It, [new ItemAdded(item)]);
}

public static class GetCartEndpoint
{
    [WolverineGet("/carts/{user}")]
    public static Cart Get([ReadAggregate("user", Required = false)] CartView? cart)
        => cart is null ? Cart.Empty : new(cart.Items);
}
