using Carts.Api;
using Carts.Domain;
using CloudState.Knative;
using Orders.Events;

namespace Carts;

/// <summary>What a cart stores is its own affair; what others build on is an event of its own.</summary>
[Action<Announcements.AnnouncementsBase>]
public sealed class OrderAnnouncer
{
    public OrderPlaced Announce(CheckedOut checkedOut) => new()
    {
        OrderId = checkedOut.OrderId,
        CartId = checkedOut.CartId,
        Lines = { checkedOut.Lines.Select(line => new OrderLine { ProductId = line.ProductId, Name = line.Name, Quantity = line.Quantity }) },
    };
}
