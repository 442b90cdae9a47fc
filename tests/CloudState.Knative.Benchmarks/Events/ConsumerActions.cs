using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Benchmarks.Events;

[Action<Consumer1.Consumer1Base>]
public sealed class Consumer1Action
{
    public Empty Take(Reported reported, ActionContext context) => ConsumerCounts.Increment(1);
}

[Action<Consumer2.Consumer2Base>]
public sealed class Consumer2Action
{
    public Empty Take(Reported reported, ActionContext context) => ConsumerCounts.Increment(2);
}

[Action<Consumer3.Consumer3Base>]
public sealed class Consumer3Action
{
    public Empty Take(Reported reported, ActionContext context) => ConsumerCounts.Increment(3);
}

[Action<Consumer4.Consumer4Base>]
public sealed class Consumer4Action
{
    public Empty Take(Reported reported, ActionContext context) => ConsumerCounts.Increment(4);
}

[Action<Consumer5.Consumer5Base>]
public sealed class Consumer5Action
{
    public Empty Take(Reported reported, ActionContext context) => ConsumerCounts.Increment(5);
}
