using CloudState.Knative.Faults.Load;
using CloudState.Knative.Faults.Replicas;

namespace CloudState.Knative.UnitTests.Faults;

public sealed class ReplicaHistoryTests
{
    private const int Commands = 400;

    [Theory]
    [InlineData(nameof(Outcome.Ok), 0, true)]
    [InlineData(nameof(Outcome.Ok), -1, false)]
    [InlineData(nameof(Outcome.Ok), 1, false)]
    [InlineData(nameof(Outcome.Unknown), 0, true)]
    [InlineData(nameof(Outcome.Unknown), -1, true)]
    [InlineData(nameof(Outcome.Unknown), 1, false)]
    public void Counter_HasWhatWasAcknowledged_AndPerhapsWhatIsUnknown(string outcomeName, int difference, bool isRight)
    {
        var outcome = Enum.Parse<Outcome>(outcomeName);
        var (history, total) = (new TallyHistory("tally"), 0);
        foreach (var addition in Writes(history))
        {
            total += 1 + (addition.Item % 3);
            End(history, addition, outcome, outcome == Outcome.Ok ? [total] : []);
        }

        Assert.Equal(isRight, !history.Check([total + difference]).Any());
    }

    [Fact]
    public void Counter_IsNotLessThanItHasShown()
    {
        var (history, random) = (new TallyHistory("tally"), new Random(1));
        End(history, Writes(history).First(), Outcome.Unknown);
        Operation read;
        do
        {
            read = history.Begin(random, 0);
        }
        while (read.Kind != OperationKind.Read);

        End(history, read, Outcome.Ok, 2);

        Assert.Empty(history.Check([2]));
        Assert.Single(history.Check([0]));
    }

    [Theory]
    [InlineData(true, nameof(Outcome.Ok), false)]
    [InlineData(false, nameof(Outcome.Ok), true)]
    [InlineData(true, nameof(Outcome.Unknown), null)]
    [InlineData(false, nameof(Outcome.Failed), true)]
    public void Set_HasAnElement_DependingOnItsRemoval(bool wasFound, string outcomeName, bool? mustBe)
    {
        var outcome = Enum.Parse<Outcome>(outcomeName);
        var history = new BadgeHistory("badges");
        HashSet<int> there = [];
        var removed = 0;
        foreach (var operation in Writes(history))
        {
            if (operation.Item > 0)
            {
                there.Add(operation.Item);
                End(history, operation, Outcome.Ok, operation.Item);
            }
            else if (removed == 0)
            {
                removed = -operation.Item;
                End(history, operation, outcome, wasFound ? [operation.Item] : []);
            }
            else
            {
                there.Remove(-operation.Item);
                End(history, operation, Outcome.Ok, operation.Item);
            }
        }

        Assert.Equal(mustBe == false, history.Check([.. there]).Any());
        there.Remove(removed);
        Assert.Equal(mustBe == true, history.Check([.. there]).Any());
        there.Remove(there.First());
        Assert.NotEmpty(history.Check([.. there]));
    }

    [Fact]
    public void Set_KeepsWhatAReplyHasShown_AlsoIfItsAdditionWasNotAnswered()
    {
        var history = new BadgeHistory("badges");
        Operation[] additions = [.. Writes(history).Take(3)];
        End(history, additions[0], Outcome.Unknown);
        End(history, additions[1], Outcome.Unknown);
        End(history, additions[2], Outcome.Ok, 1, 3);

        Assert.Empty(history.Check([1, 3]));
        Assert.Empty(history.Check([1, 2, 3]));
        Assert.Single(history.Check([2, 3]));
        Assert.Single(history.Check([1, 3, 4]));
    }

    [Fact]
    public void Set_WithoutWhatTheCommandHasAdded_IsWrongAtOnce()
    {
        var history = new BadgeHistory("badges");
        var addition = Writes(history).First();
        (addition.Outcome, addition.Items) = (Outcome.Ok, []);

        Assert.NotNull(history.End(addition));
    }

    private static IEnumerable<Operation> Writes(ReplicaHistory history)
    {
        var random = new Random(1);
        return Enumerable.Range(0, Commands).Select(_ => history.Begin(random, 0)).Where(operation => operation.Kind == OperationKind.Write);
    }

    private static void End(ReplicaHistory history, Operation operation, Outcome outcome, params int[] items)
    {
        (operation.Outcome, operation.Items) = (outcome, items);
        Assert.Null(history.End(operation));
    }
}
