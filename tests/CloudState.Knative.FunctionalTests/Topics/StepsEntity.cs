using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.FunctionalTests.Topics;

[ValueEntity<Steps.StepsBase>("steps")]
public sealed class StepsEntity : ValueEntity<StepNumbers>
{
    public Empty Take(StepTaken step, CommandContext context)
    {
        if (step.Number < 0)
        {
            context.Fail("Nobody walks backwards.");
        }

        Update(new StepNumbers { Numbers = { State.Numbers, step.Number } });
        return new Empty();
    }

    public StepNumbers Get(GetSteps command) => State;
}
