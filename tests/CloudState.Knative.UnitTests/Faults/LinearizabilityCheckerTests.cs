using CloudState.Knative.Faults.Checking;
using CsCheck;

namespace CloudState.Knative.UnitTests.Faults;

public sealed class LinearizabilityCheckerTests
{
    [Fact]
    public void NothingHappened_IsLinearizable() => Assert.True(IsLinearizable([]));

    [Fact]
    public void ReadThatOverlapsAWrite_MaySeeEither()
    {
        Assert.True(IsLinearizable([Write(1, 0, 10), Read(0, 2, 4), Read(1, 6, 8)]));
        Assert.False(IsLinearizable([Write(1, 0, 10), Read(1, 2, 4), Read(0, 6, 8)]));
    }

    [Fact]
    public void OperationsThatTouch_Overlap() => Assert.True(IsLinearizable([Write(1, 0, 5), Read(0, 5, 8)]));

    [Fact]
    public void ChoiceThatLeadsNowhere_IsUndone() =>
        Assert.True(IsLinearizable([Write(1, 0, 30), Write(2, 1, 30), Read(2, 5, 10), Read(1, 15, 20)]));

    [Fact]
    public void WriteWithoutReturn_MayTakeEffectLateOrNever()
    {
        Assert.True(IsLinearizable([Write(1, 0, null), Read(0, 2, 4), Read(1, 6, 8)]));
        Assert.True(IsLinearizable([Write(1, 0, null), Read(0, 2, 4), Read(0, 6, 8)]));
        Assert.False(IsLinearizable([Write(1, 0, null), Read(1, 2, 4), Read(0, 6, 8)]));
        Assert.False(IsLinearizable([Read(1, 0, 4), Write(1, 6, null)]));
    }

    [Fact]
    public void Failure_NamesTheOperationThatFitsNowhere()
    {
        var result = Check([Write(1, 0, 1), Read(1, 2, 3), Read(7, 4, 5), Read(1, 6, 7)]);

        Assert.Equal(LinearizabilityVerdict.NotLinearizable, result.Verdict);
        Assert.Equal([0, 1], result.Order);
        Assert.Equal(2, result.Stuck);
    }

    [Fact]
    public void TooManySteps_IsUndecided()
    {
        Interval<RegisterOperation>[] history = [.. Enumerable.Range(1, 20).Select(value => Write(value, 0, 100)), Read(99, 0, 100)];

        Assert.Equal(LinearizabilityVerdict.Undecided, new LinearizabilityChecker<int, RegisterOperation>(new RegisterModel(), maxSteps: 10_000).Check(history).Verdict);
    }

    [Fact]
    public void SmallHistories_AreDecidedAsByTryingAllOrders() => Gen
        .Select(Gen.Bool, Gen.Int[0, 2], Gen.Int[0, 12], Gen.Int[0, 8], Gen.Int[0, 9])
        .Select((isWrite, value, invoked, duration, pending) => new Interval<RegisterOperation>(
            new RegisterOperation(isWrite, value), invoked, isWrite && pending == 0 ? null : invoked + duration))
        .Array[0, 6]
        .Sample(history => Assert.Equal(TryAllOrders(history, 0), IsLinearizable(history)), iter: 2000);

    private static bool TryAllOrders(Interval<RegisterOperation>[] rest, int state)
    {
        if (rest.All(operation => operation.Returned is null))
        {
            return true;
        }

        var model = new RegisterModel();
        return rest.Where(next => rest.All(other => other.Returned is null || other.Returned >= next.Invoked))
            .Any(next => model.TryApply(state, next.Operation, out var after) && TryAllOrders(Without(next), after));

        Interval<RegisterOperation>[] Without(Interval<RegisterOperation> chosen)
        {
            var place = Array.IndexOf(rest, chosen);
            return [.. rest[..place], .. rest[(place + 1)..]];
        }
    }

    private static bool IsLinearizable(Interval<RegisterOperation>[] history) => Check(history).Verdict == LinearizabilityVerdict.Linearizable;

    private static LinearizabilityResult Check(Interval<RegisterOperation>[] history) =>
        new LinearizabilityChecker<int, RegisterOperation>(new RegisterModel()).Check(history);

    private static Interval<RegisterOperation> Write(int value, long invoked, long? returned) => new(new RegisterOperation(true, value), invoked, returned);

    private static Interval<RegisterOperation> Read(int value, long invoked, long returned) => new(new RegisterOperation(false, value), invoked, returned);
}
