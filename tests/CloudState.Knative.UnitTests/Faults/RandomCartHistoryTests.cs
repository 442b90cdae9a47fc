using CloudState.Knative.Faults.Checking;
using CloudState.Knative.Faults.Load;
using CsCheck;

namespace CloudState.Knative.UnitTests.Faults;

/// <summary>
/// Histories made from a known order: every operation has its moment, at distance 10 from the next, and an interval around it that
/// overlaps those of its neighbours.
/// </summary>
public sealed class RandomCartHistoryTests
{
    private static readonly Gen<Operation[]> Histories = Gen
        .Select(Gen.Frequency((4, Gen.Const(Outcome.Ok)), (1, Gen.Const(Outcome.Unknown))), Gen.Bool, Gen.Int[1, 45], Gen.Int[1, 45])
        .Array[1, 80]
        .Select(Make);

    [Fact]
    public void LinearizableHistory_Accepted() => Histories.Sample(history => Assert.Null(CartVerification.Check(history, Stream(history))), iter: 300);

    [Fact]
    public void LinearizableHistory_AcceptedWithoutKnowingTheStream() => Histories.Where(history => history.Length <= 12).Sample(
        history => Assert.Equal(
            LinearizabilityVerdict.Linearizable,
            new LinearizabilityChecker<CartState, CartOperation>(new CartModel()).Check([.. history.Select(Interval)]).Verdict),
        iter: 100);

    [Fact]
    public void ReadWithoutItsLastItem_RejectedWhenThatWasThereBefore() => Histories.Where(history => MustSee(history).Any()).Sample(
        history =>
        {
            var read = MustSee(history).First();
            read.Items = [.. read.Items.SkipLast(1)];
            Assert.NotNull(CartVerification.Check(history, Stream(history)));
        },
        iter: 300);

    [Fact]
    public void StreamWithoutAnAcknowledgedItem_Rejected() => Histories.Where(history => history.Any(IsAcknowledged)).Sample(
        history =>
        {
            var lost = history.Last(IsAcknowledged).Item;
            Assert.NotNull(CartVerification.Check(history, [.. Stream(history).Where(item => item != lost)]));
        },
        iter: 300);

    private static Operation[] Make((Outcome Outcome, bool IsWrite, int Before, int After)[] steps)
    {
        var items = new List<int>();
        var history = new List<Operation>();
        foreach (var (outcome, isWrite, before, after) in steps)
        {
            var moment = 100 + 10 * history.Count;
            if (isWrite)
            {
                items.Add(items.Count + 1);
            }

            // Of an unknown write the client gives up before it takes effect.
            history.Add(new Operation("cart", isWrite ? OperationKind.Write : OperationKind.Read, 0, "")
            {
                Item = isWrite ? items.Count : 0,
                Items = isWrite ? [] : [.. items],
                Invoked = moment - before,
                Completed = isWrite && outcome == Outcome.Unknown ? moment - before + 1 : moment + after,
                Outcome = isWrite ? outcome : Outcome.Ok,
            });
        }

        return [.. history];
    }

    private static int[] Stream(Operation[] history) => [.. history.Where(operation => operation.Kind == OperationKind.Write).Select(write => write.Item)];

    private static bool IsAcknowledged(Operation operation) => operation is { Kind: OperationKind.Write, Outcome: Outcome.Ok };

    private static IEnumerable<Operation> MustSee(Operation[] history) => history.Where(read => read.Items.Count > 0
        && history.Any(write => IsAcknowledged(write) && write.Item == read.Items[^1] && write.Completed < read.Invoked));

    private static Interval<CartOperation> Interval(Operation operation) => new(
        operation.Kind == OperationKind.Write ? CartOperation.Write(operation.Item) : CartOperation.Read(operation.Items),
        operation.Invoked,
        operation.Outcome == Outcome.Unknown ? null : operation.Completed);
}
