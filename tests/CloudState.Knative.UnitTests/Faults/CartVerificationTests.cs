using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.UnitTests.Faults;

public sealed class CartVerificationTests
{
    [Fact]
    public void OneAfterTheOther_Accepted() =>
        Assert.True(IsAccepted([1, 2], Read(0, 1), Write(1, 2, 3), Read(4, 5, 1), Write(2, 6, 7), Read(8, 9, 1, 2)));

    [Fact]
    public void WritesThatOverlap_AcceptedInTheOrderOfTheStream()
    {
        Operation[] history = [Write(1, 0, 10), Write(2, 0, 10), Write(3, 0, 10), Read(2, 4, 3), Read(5, 9, 3, 1)];

        Assert.True(IsAccepted([3, 1, 2], history));
        Assert.False(IsAccepted([1, 2, 3], history));
    }

    [Fact]
    public void UnknownWrite_AcceptedLateAndNever()
    {
        Operation[] history = [Unknown(1, 0, 5), Write(2, 6, 7), Read(8, 9, 2)];

        Assert.True(IsAccepted([2, 1], history));
        Assert.True(IsAccepted([2], history));
    }

    [Fact]
    public void UnknownWriteThatWasSeenAndVanished_Rejected() =>
        Assert.False(IsAccepted([2], Unknown(1, 0, 5), Read(6, 7, 1), Write(2, 8, 9)));

    [Fact]
    public void ReadWithoutResult_SaysNothing() =>
        Assert.True(IsAccepted([1], Write(1, 0, 1), new Operation("cart", OperationKind.Read, 0, "") { Invoked = 2, Completed = 3, Outcome = Outcome.Failed }));

    [Fact]
    public void StaleRead_Rejected()
    {
        Operation[] history = [Write(1, 0, 1), Write(2, 2, 3), Read(4, 5, 1), Read(6, 7, 1, 2)];

        Assert.False(IsAccepted([1, 2], history));
        Assert.Same(history[2], Stuck([1, 2], history));
    }

    [Fact]
    public void LostWrite_Rejected() => Assert.False(IsAccepted([2], Write(1, 0, 1), Write(2, 2, 3)));

    [Fact]
    public void WriteThatTookEffectTwice_Rejected()
    {
        Assert.False(IsAccepted([1, 2], Write(1, 0, 1), Read(2, 3, 1, 1), Write(2, 4, 5)));
        Assert.False(IsAccepted([1, 1], Write(1, 0, 1)));
    }

    [Fact]
    public void ReadsThatGoBack_Rejected() => Assert.False(IsAccepted([1], Write(1, 0, 10), Read(2, 3, 1), Read(4, 5)));

    [Fact]
    public void ReadsOfDifferentOrders_Rejected() => Assert.False(IsAccepted([1, 2], Write(1, 0, 10), Write(2, 0, 10), Read(2, 3, 2, 1), Read(4, 5, 1, 2)));

    [Fact]
    public void ReadOfWhatNobodyWrote_Rejected() => Assert.False(IsAccepted([1], Write(1, 0, 1), Read(2, 3, 1, 7)));

    private static bool IsAccepted(int[] stream, params Operation[] history) => CartVerification.Check(history, stream) is null;

    private static Operation Stuck(int[] stream, Operation[] history)
    {
        var (result, operations) = CartVerification.Check(history, stream)!.Value;
        return operations[result.Stuck];
    }

    private static Operation Write(int item, long invoked, long completed) =>
        new("cart", OperationKind.Write, 0, "") { Item = item, Invoked = invoked, Completed = completed, Outcome = Outcome.Ok };

    private static Operation Unknown(int item, long invoked, long completed) =>
        new("cart", OperationKind.Write, 0, "") { Item = item, Invoked = invoked, Completed = completed, Outcome = Outcome.Unknown };

    private static Operation Read(long invoked, long completed, params int[] items) =>
        new("cart", OperationKind.Read, 0, "") { Items = items, Invoked = invoked, Completed = completed, Outcome = Outcome.Ok };
}
