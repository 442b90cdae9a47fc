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

    private readonly Random _random = new(unchecked(options.Seed * 1000 + number));
    private readonly bool _isGrpc = number % 2 == 0;
    private readonly Repetition _repetition = new(options, cluster, faults, reportAnomaly);

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
            await _repetition.ExecuteAsync(operation, (pod, cancellation) => CallAsync(pod, operation, cancellation), mayRepeat: true, cancellationToken);
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

    private Task<Answer> CallAsync(Pod pod, Operation operation, CancellationToken cancellationToken)
    {
        var commandId = $"{operation.Key}/{operation.Item}";
        return _isGrpc
            ? GrpcCaller.CallAsync(pod, operation, commandId, options.AttemptTimeout, cancellationToken)
            : RestCaller.CallAsync(pod, operation, commandId, options.AttemptTimeout, cancellationToken);
    }
}
