using System.Diagnostics;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Load;

/// <summary>Repeats an operation, on the next pod, until it is answered or the patience of its user ends.</summary>
internal sealed class Repetition(RunOptions options, PodCluster cluster, FaultLog faults, Action<string> reportAnomaly)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    /// <summary>Executes an operation, and says in it how it has ended.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="call">One attempt.</param>
    /// <param name="mayRepeat">Whether a write that may have been executed is sent again, because it has a command id.</param>
    /// <param name="cancellationToken">Breaks off.</param>
    public async Task ExecuteAsync(Operation operation, Func<Pod, CancellationToken, Task<Answer>> call, bool mayRepeat, CancellationToken cancellationToken)
    {
        var attempts = new List<string>();
        var refusals = 0;
        operation.Started = operation.Invoked = Stopwatch.GetTimestamp();
        var mayBeExecuted = false;
        while (operation.Outcome == Outcome.Pending)
        {
            if (cluster.Next() is not { } pod)
            {
                await Task.Delay(RetryPause, cancellationToken);
                GiveUpWhenLate();
                continue;
            }

            // Earlier attempts had no effect: they were refused, or were reads.
            var attempted = Stopwatch.GetTimestamp();
            if (!mayBeExecuted || operation.Kind == OperationKind.Read)
            {
                operation.Invoked = attempted;
            }

            var answer = await call(pod, cancellationToken);
            operation.Completed = Stopwatch.GetTimestamp();
            attempts.Add($"{pod.Name}: {answer.Text}");
            mayBeExecuted |= answer.Kind != AnswerKind.Refused;
            switch (answer.Kind)
            {
                case AnswerKind.Success:
                    operation.Items = answer.Items;
                    operation.Outcome = Outcome.Ok;
                    break;
                case AnswerKind.Refused:
                    if (++refusals % options.Pods == 0)
                    {
                        await Task.Delay(RetryPause, cancellationToken);
                    }

                    GiveUpWhenLate();
                    break;
                case AnswerKind.Retriable:
                    faults.ObserveFailure(answer.Text, attempted, operation.Completed);
                    if (!mayRepeat && operation.Kind == OperationKind.Write)
                    {
                        GiveUp();
                        break;
                    }

                    await Task.Delay(RetryPause, cancellationToken);
                    GiveUpWhenLate();
                    break;
                default:
                    reportAnomaly($"unexpected answer to a {operation.Kind} of {operation.Key} ({operation.Protocol}): {pod.Name}: {answer.Text}");
                    GiveUp();
                    break;
            }
        }

        operation.Attempts = attempts.Count <= 8
            ? string.Join(", ", attempts)
            : $"{string.Join(", ", attempts.Take(4))}, ... {attempts.Count} attempts, {string.Join(", ", attempts.TakeLast(3))}";

        void GiveUpWhenLate()
        {
            if (Stopwatch.GetElapsedTime(operation.Started) > Patience)
            {
                GiveUp();
            }
        }

        void GiveUp()
        {
            operation.Completed = Stopwatch.GetTimestamp();
            operation.Outcome = operation.Kind == OperationKind.Write && mayBeExecuted ? Outcome.Unknown : Outcome.Failed;
        }
    }
}
