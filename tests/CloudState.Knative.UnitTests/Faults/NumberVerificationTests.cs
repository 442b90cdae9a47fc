using CloudState.Knative.Faults.Events;

namespace CloudState.Knative.UnitTests.Faults;

public sealed class NumberVerificationTests
{
    private readonly NumberVerification _verification = new(inOrder: false);

    [Fact]
    public void JournalInAnotherOrderThanSent_AndSinkInThatOfTheJournal_Clean()
    {
        _verification.Add(3, [1, 3, 2], [At(1, 1), At(2, 3), At(3, 2)]);

        Assert.True(_verification.IsClean);
    }

    [Fact]
    public void JournalInAnotherOrderThanSent_ThoughTheTopicKeepsIt_OutOfOrder()
    {
        var ordered = new NumberVerification(inOrder: true);
        ordered.Add(3, [1, 3, 2], [At(1, 1), At(2, 3), At(3, 2)]);

        Assert.Equal(1, ordered.OutOfOrder);
    }

    [Fact]
    public void NumberThatIsNotInTheJournal_Lost()
    {
        _verification.Add(2, [1], [At(1, 1)]);

        Assert.Equal((1, 0, 0, 0), Counts());
    }

    [Fact]
    public void NumberTwiceInTheJournal_AppliedTwice()
    {
        _verification.Add(2, [1, 2, 1], [At(1, 1), At(2, 2), At(3, 1)]);

        Assert.Equal((0, 1, 0, 0), Counts());
    }

    [Fact]
    public void EventThatHasNotArrived_Lost()
    {
        _verification.Add(2, [1, 2], [At(2, 2)]);

        Assert.Equal((1, 0, 0, 0), Counts());
    }

    [Fact]
    public void EventThatHasOvertaken_OutOfOrder()
    {
        _verification.Add(3, [1, 2, 3], [At(1, 1), At(3, 3), At(2, 2)]);

        Assert.Equal((0, 0, 1, 0), Counts());
    }

    [Fact]
    public void EventUnderTwoIds_Wrong()
    {
        _verification.Add(1, [1], [At(1, 1), At(1, 1)]);

        Assert.Equal((0, 0, 0, 1), Counts());
    }

    [Fact]
    public void EventWithAnotherNumberThanTheJournal_WrongAndTheRightOneLost()
    {
        _verification.Add(2, [1, 2], [At(1, 1), At(2, 1)]);

        Assert.Equal((1, 0, 0, 1), Counts());
    }

    [Fact]
    public void NumberThatWasNotSent_Wrong()
    {
        _verification.Add(1, [1, 2], [At(1, 1), At(2, 2)]);

        Assert.Equal((0, 0, 0, 1), Counts());
    }

    [Fact]
    public void Arrivals_KeepTheFirstOfEachId()
    {
        var arrivals = new Arrivals();
        arrivals.Add("a", At(1, 1));
        arrivals.Add("b", At(2, 2));
        arrivals.Add("a", At(1, 1));
        arrivals.Add("b", At(2, 3));

        Assert.Equal([At(1, 1), At(2, 2)], arrivals.Of("key"));
        Assert.Equal((2, 2, 1), (arrivals.Count, arrivals.Repeated, arrivals.Changed));
    }

    [Fact]
    public void Source_HasEachNumberOfEachKeyOnce_AndAgainAsDuplicates()
    {
        var source = new Source("numbers", "some", 1000, 7);
        var sent = source.Keys.SelectMany(key => Enumerable.Range(1, key.Count).Select(number => (key.Key, number))).Order().ToArray();
        var disordered = source.Disordered(0.2, 0.2, new Random(1)).Select(shipment => shipment.Sequence!.Value).ToArray();

        Assert.Equal(1000, sent.Length);
        Assert.Equal(sent, source.InOrder().Select(shipment => shipment.Sequence!.Value).Order());
        Assert.Equal(sent, disordered.Distinct().Order());
        Assert.InRange(disordered.Length, 1100, 1300);
        Assert.NotEqual(source.InOrder().Select(shipment => shipment.Sequence!.Value), disordered.Distinct());
    }

    private static Passed At(int position, int number) => new() { Key = "key", Number = number, Position = position };

    private (int Lost, int AppliedTwice, int OutOfOrder, int Wrong) Counts() => (_verification.Lost, _verification.AppliedTwice, _verification.OutOfOrder, _verification.Wrong);
}
