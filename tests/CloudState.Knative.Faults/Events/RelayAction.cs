using System.Globalization;

namespace CloudState.Knative.Faults.Events;

[Action<Relay.RelayBase>]
public sealed class RelayAction
{
    public Passed Pass(Counted counted, ActionContext context) => new()
    {
        Key = counted.Key,
        Number = counted.Number,
        Position = int.Parse(context.Metadata.CloudEvent!["sequence"]!, CultureInfo.InvariantCulture),
    };
}
