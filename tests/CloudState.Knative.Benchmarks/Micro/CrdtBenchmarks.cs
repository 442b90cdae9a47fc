using BenchmarkDotNet.Attributes;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Replicated;
using CloudState.Knative.Storage;
using ShoppingCart.Api;

namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>What a handler's change of a large state costs: it should not depend on the size of the state.</summary>
[MemoryDiagnoser]
public class CrdtBenchmarks
{
    private readonly Replica _small = new(elements: 100);
    private readonly Replica _large = new(elements: 100_000);

    [Benchmark(Description = "addition to a set of 100, its delta as bytes")]
    [Budget(1500, 2500)]
    public object AddToSmallSet() => _small.Add();

    [Benchmark(Description = "addition to a set of 100,000, its delta as bytes")]
    [Budget(4000, 3000)]
    public object AddToLargeSet() => _large.Add();

    /// <summary>An entity in memory. Each command adds the next of its elements again, which gives that a new dot and leaves the size as it is.</summary>
    private sealed class Replica
    {
        private static readonly EntityEnvironment Environment = new(
            () => new TagsEntity(),
            new StoredTypes([]),
            new EntityOptions { SnapshotEvery = -1 },
            ClusterState.Sole(["tags"], TimeProvider.System),
            TimeProvider.System);

        private readonly TagsEntity _entity = new();
        private readonly CrdtInstance _instance;
        private readonly CommandContext _command;
        private readonly string[] _elements;
        private int _next;

        public Replica(int elements)
        {
            _elements = [.. Enumerable.Range(0, elements).Select(number => $"tag-{number}")];
            _instance = new CrdtInstance(_entity, new StoredReplica(Epoch: 0, State: null, []), Environment);
            _command = new CommandContext(
                AddLineItem.Descriptor.File.Services[0].Methods[0], _instance, CallTargets.All, "tags", commandId: null, CallMetadata.Empty, () => CancellationToken.None);
            for (var i = 0; i < elements; i++)
            {
                Add();
            }
        }

        public StateChange Add()
        {
            _instance.Begin(_command, DateTimeOffset.UnixEpoch);
            _entity.Tag(_elements[_next]);
            _next = (_next + 1) % _elements.Length;
            return _instance.Advance(DateTimeOffset.UnixEpoch);
        }
    }

    private sealed class TagsEntity : CrdtEntity<ORSet<string>>
    {
        public void Tag(string tag) => State.Add(tag);
    }
}
