using System.Diagnostics;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;
using CloudState.Knative.Faults.Nemesis;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>One user of replicated entities: does one random operation after another, on the next pod in turn. With command ids it repeats each until it is answered.</summary>
internal sealed class ReplicaClient(
    int number,
    bool hasCommandIds,
    RunOptions options,
    PodCluster cluster,
    IReadOnlyList<ReplicaHistory> histories,
    FaultLog faults,
    Counters counters,
    Action<string> reportAnomaly)
{
    private readonly Random _random = new(unchecked(options.Seed * 1000 + number));
    private readonly Repetition _repetition = new(options, cluster, faults, reportAnomaly);

    /// <summary>Does operations as long as there is one left to do.</summary>
    public async Task RunAsync(Func<bool> takeOne, CancellationToken cancellationToken)
    {
        var period = TimeSpan.FromSeconds((double)options.Clients / options.Rate);
        while (takeOne())
        {
            var begun = Stopwatch.GetTimestamp();
            var history = histories[_random.Next(histories.Count)];
            var operation = history.Begin(_random, number);
            await _repetition.ExecuteAsync(operation, (pod, cancellation) => CallAsync(pod, history, operation, cancellation), mayRepeat: hasCommandIds, cancellationToken);
            counters.Count(operation);
            faults.Observe(operation);
            if (history.End(operation) is { } wrong)
            {
                reportAnomaly(wrong);
            }

            var rest = period * (0.5 + _random.NextDouble()) - Stopwatch.GetElapsedTime(begun);
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, cancellationToken);
            }
        }
    }

    private Task<Answer> CallAsync(Pod pod, ReplicaHistory history, Operation operation, CancellationToken cancellationToken) => GrpcCaller.CallAsync(
        call => history.SendAsync(
            pod.Connections, operation, hasCommandIds && operation.Kind == OperationKind.Write ? GrpcCaller.WithId(call, $"{operation.Key}/{operation.Item}") : call),
        options.AttemptTimeout,
        cancellationToken);
}
