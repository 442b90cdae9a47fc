using CloudState.Knative.FunctionalTests.Conformance.Receiving;
using CloudState.Knative.FunctionalTests.Hosting;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>What the handlers of a receiver saw: each event, and its data as text.</summary>
public sealed class ReceivedEvents
{
    public List<(CloudEventMetadata Event, string Data)> All { get; } = [];

    internal static Task<TestService> StartServiceAsync(ReceivedEvents received) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton(received);
            cloudState.AddEntity<SensorEntity>().AddAction<AnythingAction>();
        });

    public Empty Add(CallMetadata metadata, string data)
    {
        All.Add((metadata.CloudEvent!, data));
        return new Empty();
    }
}

/// <summary>Takes events of the type <c>cloudstate.tests.receiver.Reading</c>.</summary>
[ValueEntity<Sensors.SensorsBase>("sensor")]
public sealed class SensorEntity(ReceivedEvents received) : ValueEntity<Sum>
{
    public Empty Take(Reading reading, CommandContext context)
    {
        Update(new Sum { Number = State.Number + reading.Number });
        return received.Add(context.Metadata, $"{reading.Sensor} {reading.Text} {State.Number}");
    }
}

/// <summary>Takes events of all other types.</summary>
[Action<Anything.AnythingBase>]
public sealed class AnythingAction(ReceivedEvents received)
{
    public Empty Take(Any data, ActionContext context) => received.Add(
        context.Metadata,
        $"{data.TypeUrl} " + (data.TypeUrl switch
        {
            "p.cloudstate.io/string" => StringValue.Parser.ParseFrom(data.Value).Value,
            var type when type.StartsWith("type.googleapis.com/", StringComparison.Ordinal) => Convert.ToHexString(data.Value.Span),
            _ => BytesValue.Parser.ParseFrom(data.Value).Value.ToStringUtf8(),
        }));
}
