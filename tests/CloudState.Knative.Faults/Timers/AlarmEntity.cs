using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Faults.Timers;

/// <summary>Rings however often it is told to, so that the journal shows it.</summary>
[EventSourcedEntity<Alarms.AlarmsBase>(EntityType)]
public sealed class AlarmEntity : EventSourcedEntity<AlarmState>
{
    public const string EntityType = "alarm";

    public Empty Set(Setting command, CommandContext context)
    {
        context.Timers.Schedule(
            $"{command.Number}", command.Due.ToDateTimeOffset(), (Alarms.AlarmsClient alarms) => alarms.RingAsync(new Ringing { Alarm = command.Alarm, Number = command.Number }));
        return new Empty();
    }

    public Empty Cancel(Cancellation command, CommandContext context)
    {
        context.Timers.Cancel($"{command.Number}");
        return new Empty();
    }

    public Empty Ring(Ringing command, CommandContext context)
    {
        context.Emit(new Rung { Number = command.Number });
        return new Empty();
    }

    public void Apply(Rung rung) => State.Rung.Add(rung.Number);
}
