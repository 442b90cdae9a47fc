using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>One event a command, and no snapshots.</summary>
[EventSourcedEntity<Sensors.SensorsBase>("sensor", SnapshotEvery = -1)]
public sealed class SensorEntity : EventSourcedEntity<SensorState>
{
    public Empty Report(ReportValue command, CommandContext context)
    {
        context.Emit(new Reported { Sensor = command.Sensor, Value = command.Value, Note = command.Note });
        return new Empty();
    }

    public void Apply(Reported reported) => State.LastValue = reported.Value;
}
