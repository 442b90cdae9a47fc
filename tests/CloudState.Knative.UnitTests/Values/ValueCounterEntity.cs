using CloudState.Knative.UnitTests.Protos;

namespace CloudState.Knative.UnitTests.Values;

/// <summary>Adds up, without events.</summary>
[ValueEntity<Counter.CounterBase>("counter")]
public sealed class ValueCounterEntity : ValueEntity<Total>
{
    public Total Add(Addition command, CommandContext context)
    {
        if (command.Behaviour == "delete")
        {
            context.Delete();
            return State;
        }

        if (command.Behaviour == "emit")
        {
            context.Emit(new Added());
        }

        var total = State;
        total.Value += command.Amount;
        Update(total);

        // Neither the stored state nor the reply may change with it.
        total.Value = -1;
        return State;
    }

    public Total Read(Question command) => State;
}
