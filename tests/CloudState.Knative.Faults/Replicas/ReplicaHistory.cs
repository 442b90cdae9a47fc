using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;
using Grpc.Core;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>One replicated entity, what the clients did to it and what they were told of it. Safe for all clients at the same time.</summary>
internal abstract class ReplicaHistory(string key)
{
    public string Key { get; } = key;

    protected Lock Lock { get; } = new();

    /// <summary>A random operation.</summary>
    public Operation Begin(Random random, int client)
    {
        lock (Lock)
        {
            return Next(random, client);
        }
    }

    /// <summary>Sends an operation to a pod; returns what it says of the value.</summary>
    public abstract Task<List<int>> SendAsync(PodConnections pod, Operation operation, CallOptions options);

    /// <summary>Reads the value.</summary>
    public abstract Task<List<int>> ReadAsync(PodConnections pod, CallOptions options);

    /// <summary>Remembers how an operation has ended. Returns what is wrong about its reply, or null.</summary>
    public string? End(Operation operation)
    {
        lock (Lock)
        {
            return Observe(operation);
        }
    }

    /// <summary>What is wrong about the value at the end, a line each.</summary>
    public abstract IEnumerable<string> Check(IReadOnlyList<int> value);

    protected abstract Operation Next(Random random, int client);

    protected abstract string? Observe(Operation operation);
}
