using System.Diagnostics;
using System.Text;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Checking;

/// <summary>The few lines of a history that a person needs to understand why it is not linearizable.</summary>
internal static class Extract
{
    private const int Around = 6;

    public static string Of(LinearizabilityResult result, IReadOnlyList<Operation> operations, IReadOnlyList<int> finalItems, long runStarted)
    {
        var text = new StringBuilder();
        var seen = result.Order.Count(index => index < operations.Count && operations[index].Kind == OperationKind.Write);
        text.AppendLine($"  the longest possible order has {result.Order.Count} operations; the cart has {seen} items after them, then nothing fits:");
        if (result.Stuck < 0 || result.Stuck >= operations.Count)
        {
            text.AppendLine($"  the stream in PostgreSQL, {finalItems.Count} items, does not fit");
            return text.ToString();
        }

        // Those that ended shortly before the operation that fits nowhere, and those that overlap it.
        var stuck = operations[result.Stuck];
        var before = operations.Where(operation => operation.Completed < stuck.Invoked).OrderByDescending(operation => operation.Completed).Take(Around);
        var during = operations.Where(operation => operation.Completed >= stuck.Invoked && operation.Invoked <= stuck.Completed).OrderBy(operation => operation.Invoked).Take(2 * Around);
        foreach (var operation in before.Concat(during).Append(stuck).Distinct().OrderBy(operation => operation.Invoked))
        {
            text.AppendLine($"  {(operation == stuck ? ">" : " ")} {Line(operation, runStarted)}");
        }

        if (stuck.Kind == OperationKind.Read && operations.LastOrDefault(write => write.Kind == OperationKind.Write && write.Outcome == Outcome.Ok
            && write.Completed < stuck.Invoked && !stuck.Items.Contains(write.Item)) is { } missed)
        {
            text.AppendLine($"  the read does not have, for example, {CartItems.NameOf(missed.Item)}, acknowledged before it began:");
            text.AppendLine($"    {Line(missed, runStarted)}");
        }

        return text.ToString();
    }

    private static string Line(Operation operation, long runStarted)
    {
        var what = operation.Kind == OperationKind.Write
            ? $"add {CartItems.NameOf(operation.Item)}"
            : $"read {operation.Items.Count} items{(operation.Items.Count == 0 ? "" : $", the last {CartItems.NameOf(operation.Items[^1])}")}";
        return $"{Seconds(operation.Invoked):0.000} to {Seconds(operation.Completed):0.000} s  client {operation.Client} ({operation.Protocol})  {what}  [{operation.Attempts}]"
            + (operation.Outcome == Outcome.Unknown ? "  outcome unknown" : "");

        double Seconds(long timestamp) => Stopwatch.GetElapsedTime(runStarted, timestamp).TotalSeconds;
    }
}
