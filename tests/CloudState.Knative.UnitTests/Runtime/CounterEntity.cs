using CloudState.Knative.UnitTests.Protos;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>Adds up; behaves as the command says.</summary>
[EventSourcedEntity<Counter.CounterBase>("counter")]
public sealed class CounterEntity : EventSourcedEntity<Total>
{
    /// <summary>What happens while <see cref="Read"/> runs.</summary>
    public Action WhileReading { get; init; } = () => { };

    public async ValueTask<Total> Add(Addition command, CommandContext context)
    {
        if (command.Behaviour == "fail")
        {
            context.Fail("Not today.", StatusCode.OutOfRange);
        }

        if (command.Behaviour == "throw")
        {
            throw new InvalidDataException("secret");
        }

        context.Emit(new Added { Amount = command.Amount });
        switch (command.Behaviour)
        {
            case "fail-after-emit":
                context.Fail("Too late.");
                break;
            case "throw-after-emit":
                throw new InvalidDataException("secret");
            case "unhandled":
                context.Emit(new Unhandled());
                break;
            case "wait":
                await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
                break;
            case "wait-deaf":
                await new TaskCompletionSource().Task;
                break;
            case "null":
                return null!;
        }

        return State;
    }

    public Total Read(Question command)
    {
        WhileReading();
        return State;
    }

    public void Apply(Added added) => State.Value += added.Amount;
}
