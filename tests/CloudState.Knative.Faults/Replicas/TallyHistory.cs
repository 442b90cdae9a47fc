using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;
using Grpc.Core;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>A counter to which the clients add: at the end it has what was acknowledged, perhaps some of what is unknown, and not less than it ever showed.</summary>
internal sealed class TallyHistory(string key) : ReplicaHistory(key)
{
    private const double ReadShare = 0.2;
    private const int MaxAmount = 3;

    private int _additions;
    private int _acknowledged;
    private int _unknown;
    private int _highest;

    public override async Task<List<int>> SendAsync(PodConnections pod, Operation operation, CallOptions options) => operation.Kind == OperationKind.Read
        ? await ReadAsync(pod, options)
        : [(await pod.Tallies.AddAsync(new TallyAddition { Tally = Key, Amount = AmountOf(operation) }, options)).Total];

    public override async Task<List<int>> ReadAsync(PodConnections pod, CallOptions options) => [(await pod.Tallies.GetAsync(new TallyQuery { Tally = Key }, options)).Total];

    public override IEnumerable<string> Check(IReadOnlyList<int> value)
    {
        var total = value[0];
        if (total < _acknowledged || total > _acknowledged + _unknown)
        {
            yield return $"{Key} is {total}; acknowledged were {_acknowledged}, and {_unknown} have no known outcome";
        }

        if (total < _highest)
        {
            yield return $"{Key} is {total}, but was {_highest} before";
        }
    }

    protected override Operation Next(Random random, int client)
    {
        if (random.NextDouble() < ReadShare)
        {
            return new Operation(Key, OperationKind.Read, client, "gRPC");
        }

        return new Operation(Key, OperationKind.Write, client, "gRPC") { Item = ++_additions };
    }

    protected override string? Observe(Operation operation)
    {
        if (operation.Outcome == Outcome.Ok)
        {
            _highest = Math.Max(_highest, operation.Items[0]);
        }

        var amount = operation.Kind == OperationKind.Write ? AmountOf(operation) : 0;
        _acknowledged += operation.Outcome == Outcome.Ok ? amount : 0;
        _unknown += operation.Outcome == Outcome.Unknown ? amount : 0;
        return operation.Outcome == Outcome.Ok && operation.Items[0] < amount ? $"{Key} is {operation.Items[0]} after an addition of {amount} ({operation.Attempts})" : null;
    }

    private static int AmountOf(Operation addition) => 1 + (addition.Item % MaxAmount);
}
