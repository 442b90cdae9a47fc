using CloudState.Knative;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Orders.Api;
using Orders.Domain;
using Orders.Events;
using Status = Orders.Domain.Order.Types.Status;

namespace Orders;

[EventSourcedEntity<Api.Orders.OrdersBase>("order")]
public sealed class OrderEntity(IOptions<OrdersOptions> options) : EventSourcedEntity<Order>
{
    private const string PaymentTimer = "payment";

    public Empty Place(OrderPlaced placed, CommandContext context)
    {
        if (State.Status == Status.None)
        {
            context.Emit(placed);
            context.Timers.Schedule(PaymentTimer, options.Value.PaymentTime, (Api.Orders.OrdersClient orders) => orders.ExpireAsync(new ExpireOrder { Id = placed.OrderId }));
        }

        return new Empty();
    }

    public Order Pay(PayOrder command, CommandContext context)
    {
        switch (State.Status)
        {
            case Status.None:
                throw context.Fail($"There is no order {command.Id}.", StatusCode.NotFound);
            case Status.Expired:
                throw context.Fail($"Order {command.Id} has expired.");
            case Status.Placed:
                context.Emit(new OrderPaid());
                context.Timers.Cancel(PaymentTimer);
                break;
        }

        return State;
    }

    public Empty Expire(ExpireOrder command, CommandContext context)
    {
        // The order may have been paid while the timer fired.
        if (State.Status == Status.Placed)
        {
            context.Emit(new OrderExpired());
        }

        return new Empty();
    }

    public Order Get(GetOrder command, CommandContext context)
    {
        if (State.Status == Status.None)
        {
            context.Fail($"There is no order {command.Id}.", StatusCode.NotFound);
        }

        return State;
    }

    public void Apply(OrderPlaced placed)
    {
        State.Id = placed.OrderId;
        State.CartId = placed.CartId;
        State.Lines.Add(placed.Lines);
        State.Status = Status.Placed;
    }

    public void Apply(OrderPaid paid) => State.Status = Status.Paid;

    public void Apply(OrderExpired expired) => State.Status = Status.Expired;
}
