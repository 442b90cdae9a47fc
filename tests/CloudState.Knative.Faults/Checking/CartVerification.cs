using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Checking;

/// <summary>Brings the operations of a cart and its stream into the form in which the checker decides.</summary>
internal static class CartVerification
{
    /// <summary>
    /// The stream counts as a read after everything else. So an unknown write that is in it has happened before that read; one that is
    /// not may be left out, and a read without a result says nothing.
    /// </summary>
    /// <returns>Null when linearizable; otherwise the result, and the operations in the order of its indices; the last, for the stream, is missing.</returns>
    public static (LinearizabilityResult Result, IReadOnlyList<Operation> Operations)? Check(IReadOnlyList<Operation> operations, IReadOnlyList<int> finalItems)
    {
        var stored = finalItems.ToHashSet();
        Operation[] relevant = [.. operations.Where(operation => operation.Outcome == Outcome.Ok || (operation.Outcome == Outcome.Unknown && stored.Contains(operation.Item)))];
        var end = operations.Count == 0 ? 0 : operations.Max(operation => operation.Completed) + 1;
        var history = new List<Interval<CartOperation>>(relevant.Length + 1);
        foreach (var operation in relevant)
        {
            history.Add(new Interval<CartOperation>(
                operation.Kind == OperationKind.Write ? CartOperation.Write(operation.Item) : CartOperation.Read(operation.Items),
                operation.Invoked,
                operation.Outcome == Outcome.Ok ? operation.Completed : end));
        }

        history.Add(new Interval<CartOperation>(CartOperation.Read(finalItems), end + 1, end + 2));
        var result = new LinearizabilityChecker<CartState, CartOperation>(new CartModel(finalItems)).Check(history);
        return result.Verdict == LinearizabilityVerdict.Linearizable ? null : (result, relevant);
    }
}
