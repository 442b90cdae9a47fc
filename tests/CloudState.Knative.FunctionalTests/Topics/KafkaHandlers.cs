using CloudState.Knative.FunctionalTests.Topics.Kafka;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.FunctionalTests.Topics;

/// <summary>What the handlers of records were called with.</summary>
public sealed class KafkaCalls
{
    public List<string> All { get; } = [];

    public CloudEventMetadata? LastEvent { get; private set; }

    public Empty Add(string call, CallMetadata metadata)
    {
        All.Add(call);
        LastEvent = metadata.CloudEvent;
        return new Empty();
    }
}

[ValueEntity<Orders.OrdersBase>("order")]
public sealed class OrderEntity(KafkaCalls calls) : ValueEntity<Ordered>
{
    public Empty Place(PlaceOrder command, CommandContext context)
    {
        Update(new Ordered { Quantity = State.Quantity + command.Quantity });
        return calls.Add($"Place {command.Order} {State.Quantity}", context.Metadata);
    }

    public Empty Cancel(CancelOrder command, CommandContext context)
    {
        Update(new Ordered());
        return calls.Add($"Cancel {command.Order}", context.Metadata);
    }

    public Empty Number(NumberOrder command, CommandContext context) => calls.Add($"Number {command.Number}", context.Metadata);
}

[Action<Audit.AuditBase>]
public sealed class AuditAction(KafkaCalls calls)
{
    public Empty Note(PlaceOrder order, ActionContext context) => calls.Add($"Note {order.Order} {order.Quantity}", context.Metadata);

    public Empty Rest(Any rest, ActionContext context) => calls.Add($"Rest {rest.TypeUrl}", context.Metadata);
}
