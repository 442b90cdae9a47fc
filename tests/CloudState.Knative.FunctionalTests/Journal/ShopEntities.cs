using CloudState.Knative.Entities;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.FunctionalTests.Journal;

[EventSourcedEntity<Orders.OrdersBase>("order")]
public sealed class OrderEntity : EventSourcedEntity<OrderState>
{
    public Empty Place(PlaceOrder command, CommandContext context)
    {
        context.Emit(new OrderPlaced { Product = command.Product });
        return new Empty();
    }

    public Empty Cancel(CancelOrder command, CommandContext context)
    {
        context.Emit(new OrderCancelled());
        return new Empty();
    }

    public void Apply(OrderPlaced placed) => State.Changes++;

    public void Apply(OrderCancelled cancelled) => State.Changes++;
}

[ValueEntity<Stock.StockBase>("stock")]
public sealed class StockEntity(ShopEvents events) : ValueEntity<StockLevel>
{
    public async Task<Empty> Reserve(OrderPlaced placed, CommandContext context)
    {
        await events.ArriveAsync("Reserve", context);
        Update(new StockLevel { Reserved = State.Reserved + 1 });
        return new Empty();
    }

    public StockLevel Get(GetStock command) => State;
}

[ValueEntity<Invoices.InvoicesBase>("invoice")]
public sealed class InvoiceEntity : ValueEntity<Invoice>
{
    public Empty Cancel(OrderCancelled cancelled)
    {
        Update(new Invoice { Cancelled = true });
        return new Empty();
    }

    public Invoice Get(GetInvoice command) => State;
}
