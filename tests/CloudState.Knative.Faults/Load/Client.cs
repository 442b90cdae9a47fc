using System.Diagnostics;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Load;

/// <summary>
/// One user: does one operation after another, and repeats each, under the same command id and on the next pod, until it is answered.
/// </summary>
internal sealed class Client(int number, RunOptions options, PodCluster cluster, LiveKeys keys, FaultLog faults, Counters counters, Action<string> reportAnomaly)
{
    private const double WriteShare = 0.4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    private readonly Random _random = new(unchecked(options.Seed * 1000 + number));
    private readonly bool _isGrpc = number % 2 == 0;

    /// <summary>Begins operations until <paramref name="ended"/>, and finishes the last one.</summary>
    /// <param name="ended">The end of the load.</param>
    /// <param name="cancellationToken">Breaks off.</param>
    public async Task RunAsync(CancellationToken ended, CancellationToken cancellationToken)
    {
        var period = TimeSpan.FromSeconds((double)options.Clients / options.Rate);
        while (!ended.IsCancellationRequested)
        {
            var begun = Stopwatch.GetTimestamp();
            var operation = keys.Begin(_random.NextDouble() < WriteShare ? OperationKind.Write : OperationKind.Read, number, _isGrpc ? "gRPC" : "REST");
            await ExecuteAsync(operation, cancellationToken);
            counters.Count(operation);
            faults.Observe(operation);
            keys.End(operation);

            var rest = period * (0.5 + _random.NextDouble()) - Stopwatch.GetElapsedTime(begun);
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, cancellationToken);
            }
        }
    }

    private async Task ExecuteAsync(Operation operation, CancellationToken cancellationToken)
    {
        var commandId = $"{operation.Key}/{operation.Item}";
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

            var answer = _isGrpc
                ? await GrpcCaller.CallAsync(pod, operation, commandId, options.AttemptTimeout, cancellationToken)
                : await RestCaller.CallAsync(pod, operation, commandId, options.AttemptTimeout, cancellationToken);
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
                    await Task.Delay(RetryPause, cancellationToken);
                    GiveUpWhenLate();
                    break;
                default:
                    reportAnomaly($"unexpected answer to a {operation.Kind} of {operation.Key} ({operation.Protocol}): {pod.Name}: {answer.Text}");
                    GiveUp();
                    break;
            }
        }

        operation.Attempts = attempts.Count <= 8 ? string.Join(", ", attempts) : $"{string.Join(", ", attempts.Take(4))}, ... {attempts.Count} attempts, {string.Join(", ", attempts.TakeLast(3))}";

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
