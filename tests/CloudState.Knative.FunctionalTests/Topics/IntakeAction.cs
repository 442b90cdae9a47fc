using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Topics;

[Action<Intake.IntakeBase>]
public sealed class IntakeAction(List<string> taken)
{
    public Taken TakeOrder(OrderPlaced order, ActionContext context)
    {
        if (context.Metadata["x-attribute"] is { } attribute)
        {
            context.ReplyMetadata.Add(attribute, "chosen");
        }

        return Take(nameof(TakeOrder), order.Order);
    }

    public Taken AuditOrder(OrderPlaced order) => Take(nameof(AuditOrder), order.Order);

    public Taken Check(OrderPlaced order) => Take(nameof(Check), order.Order);

    public Taken Cancel(OrderCancelled order, ActionContext context)
    {
        context.Fail("There is no such order.", StatusCode.NotFound);
        return Take(nameof(Cancel), order.Order);
    }

    public Empty AuditRest(Any rest)
    {
        Take(nameof(AuditRest), $"{rest.TypeUrl} {rest.Value.ToStringUtf8()}");
        return new Empty();
    }

    private Taken Take(string by, string order)
    {
        taken.Add($"{by} {order}");
        return new Taken { By = by, Order = order };
    }
}

[Action<BoundTwice.BoundTwiceBase>]
public sealed class BoundTwiceAction
{
    public Taken First(OrderPlaced order) => new() { Order = order.Order };

    public Taken Second(OrderPlaced order) => new() { Order = order.Order };
}

[Action<BoundStream.BoundStreamBase>]
public sealed class BoundStreamAction
{
    public async Task<Taken> Take(IAsyncEnumerable<OrderPlaced> orders) => new() { Order = await orders.Select(order => order.Order).FirstAsync() };
}

[Action<BoundToNothing.BoundToNothingBase>]
public sealed class BoundToNothingAction
{
    public Taken Take(OrderPlaced order) => new() { Order = order.Order };
}

[Action<BoundToLog.BoundToLogBase>]
public sealed class BoundToLogAction
{
    public Taken Take(OrderPlaced order) => new() { Order = order.Order };
}

[Action<Publishing.PublishingBase>]
public sealed class PublishingAction
{
    public Taken Take(OrderPlaced order) => new() { Order = order.Order };
}
