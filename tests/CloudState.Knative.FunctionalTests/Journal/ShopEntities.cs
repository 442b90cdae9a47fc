using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.FunctionalTests.Journal;

[EventSourcedEntity<Orders.OrdersBase>("order")]
public sealed class OrderEntity(ShopEvents events) : EventSourcedEntity<OrderState>
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

    public Empty Remind(RemindOrder command, CommandContext context)
    {
        if (command.Milliseconds < 0)
        {
            context.Timers.Cancel(command.Timer);
        }
        else
        {
            context.Timers.Schedule(
                command.Timer, TimeSpan.FromMilliseconds(command.Milliseconds), (Orders.OrdersClient orders) => orders.ExpireAsync(new ExpireOrder { Order = command.Order, Timer = command.Timer }));
        }

        return new Empty();
    }

    public async Task<Empty> Expire(ExpireOrder command, CommandContext context)
    {
        await events.ArriveAsync($"Expire {command.Timer}", context, context.Key);
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

    public Empty Return(ProductReturned returned)
    {
        Update(new StockLevel { Reserved = State.Reserved - 1 });
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

[ValueEntity<Prices.PricesBase>("price")]
public sealed class PriceEntity : ValueEntity<Price>
{
    public Price Set(SetPrice command, CommandContext context)
    {
        if (command.Cents < 0)
        {
            context.Fail("A price is not negative.");
        }

        context.ReplyMetadata.Add("ce-currency", "EUR");
        Update(new Price { Cents = command.Cents });
        return State;
    }

    public Empty Remove(RemovePrice command, CommandContext context)
    {
        context.Delete();
        return new Empty();
    }
}

[EventSourcedEntity<Receipts.ReceiptsBase>("receipt", PublishTo = "receipts")]
public sealed class ReceiptEntity : EventSourcedEntity<ReceiptState>
{
    public Empty Print(PrintReceipt command, CommandContext context)
    {
        context.Emit(new ReceiptPrinted { Number = command.Number });
        return new Empty();
    }

    public void Apply(ReceiptPrinted printed)
    {
    }
}

/// <summary>A later version of <see cref="OrderEntity"/>, with an event that the other one does not know.</summary>
[EventSourcedEntity<Orders.OrdersBase>("order")]
public sealed class NewerOrderEntity : EventSourcedEntity<OrderState>
{
    public Empty Place(PlaceOrder command, CommandContext context)
    {
        context.Emit(new OrderAnnounced { Product = command.Product });
        return new Empty();
    }

    public Empty Cancel(CancelOrder command) => new();

    public Empty Remind(RemindOrder command) => new();

    public Empty Expire(ExpireOrder command) => new();

    public void Apply(OrderAnnounced announced) => State.Changes++;
}
