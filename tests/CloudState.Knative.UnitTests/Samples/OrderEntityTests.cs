using CloudState.Knative.Testing;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Orders;
using Orders.Api;
using Orders.Domain;
using Orders.Events;

namespace CloudState.Knative.UnitTests.Samples;

public class OrderEntityTests
{
    private static readonly OrderPlaced Placed = new() { OrderId = "alice-1", CartId = "alice", Lines = { new OrderLine { ProductId = "p1", Name = "Apple", Quantity = 2 } } };

    private readonly EventSourcedTestKit<Order> _order = EntityTestKit.Create(() => new OrderEntity(Options.Create(new OrdersOptions())), "alice-1");

    [Fact]
    public async Task Place_MakesTheOrder()
    {
        var result = await _order.WhenAsync(Placed);

        Assert.Equal([Placed], result.Events);
        Assert.Equal(new Order { Id = "alice-1", CartId = "alice", Lines = { Placed.Lines }, Status = Order.Types.Status.Placed }, result.State);
        var timer = Assert.Single(result.Timers);
        Assert.Equal(("payment", TimeSpan.FromMinutes(15)), (timer.Name, timer.Delay));
        Assert.Equal("alice-1", timer.Call!.Message<ExpireOrder>().Id);
    }

    [Fact]
    public async Task Place_Again_ChangesNothing()
    {
        _order.Given(Placed, new OrderPaid());

        var result = await _order.WhenAsync(Placed);

        Assert.Empty(result.Events);
        Assert.Null(result.Failure);
        Assert.Equal(Order.Types.Status.Paid, result.State.Status);
    }

    [Fact]
    public async Task Pay_InTime_IsPaid()
    {
        _order.Given(Placed);

        var result = await _order.WhenAsync(new PayOrder { Id = "alice-1" });

        Assert.Equal([new OrderPaid()], result.Events);
        Assert.Equal(Order.Types.Status.Paid, result.Reply<Order>().Status);
        Assert.True(Assert.Single(result.Timers, timer => timer.Name == "payment").IsCancelled);
    }

    [Fact]
    public async Task Pay_Again_ChangesNothing()
    {
        _order.Given(Placed, new OrderPaid());

        var result = await _order.WhenAsync(new PayOrder { Id = "alice-1" });

        Assert.Empty(result.Events);
        Assert.Equal(Order.Types.Status.Paid, result.Reply<Order>().Status);
    }

    [Fact]
    public async Task Pay_TooLate_IsRejected()
    {
        _order.Given(Placed, new OrderExpired());

        var result = await _order.WhenAsync(new PayOrder { Id = "alice-1" });

        Assert.Equal("Order alice-1 has expired.", result.Failure?.Detail);
        Assert.Empty(result.Events);
    }

    [Fact]
    public async Task Expire_WithoutPayment_IsExpired()
    {
        _order.Given(Placed);

        var result = await _order.WhenAsync(new ExpireOrder { Id = "alice-1" });

        Assert.Equal([new OrderExpired()], result.Events);
        Assert.Equal(Order.Types.Status.Expired, result.State.Status);
    }

    [Fact]
    public async Task Expire_AfterPayment_ChangesNothing()
    {
        _order.Given(Placed, new OrderPaid());

        var result = await _order.WhenAsync(new ExpireOrder { Id = "alice-1" });

        Assert.Empty(result.Events);
        Assert.Equal(Order.Types.Status.Paid, result.State.Status);
    }

    [Fact]
    public async Task UnknownOrder_IsNotFound()
    {
        var get = await _order.WhenAsync(new GetOrder { Id = "alice-1" });
        var pay = await _order.WhenAsync(new PayOrder { Id = "alice-1" });

        Assert.Equal(new Status(StatusCode.NotFound, "There is no order alice-1."), get.Failure);
        Assert.Equal(get.Failure, pay.Failure);
    }
}
