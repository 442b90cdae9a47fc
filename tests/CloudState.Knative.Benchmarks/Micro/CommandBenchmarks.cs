using System.Collections.Frozen;
using BenchmarkDotNet.Attributes;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Memory;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using ShoppingCart;
using ShoppingCart.Api;

namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>A command from the edge to its outcome, without edge and store.</summary>
[MemoryDiagnoser]
public class CommandBenchmarks
{
    private readonly EntityDefinition _definition = EntityDefinitionReader.Read(typeof(ShoppingCartEntity));
    private readonly AddLineItem _add = new() { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 1 };
    private readonly GetShoppingCart _get = new() { UserId = "alice" };
    private readonly CommandRouter _router;
    private readonly EntityKeyFields _key;
    private readonly ClusterState _cluster;
    private readonly EntityId _alice = new("shopping-cart", "alice");

    public CommandBenchmarks()
    {
        var (store, options, time) = (new IdleStore(), new CloudStateOptions(), TimeProvider.System);
        var health = new StoreHealth(NullLogger<StoreHealth>.Instance);
        health.ReportUp();
        var journal = new JournalWriter(store, FrozenDictionary<string, TypeJournal>.Empty, health, options.MaxBatchSize, NullLogger<JournalWriter>.Instance);
        var limits = new CallLimits
        {
            Timeout = options.CommandTimeout,
            MaxDepth = options.MaxCallDepth,
            MaxKeyLength = options.MaxKeyLength,
            MaxCommandIdLength = options.MaxCommandIdLength,
            MaxCommandIds = options.MaxCommandIds,
            CommandIdRetention = options.CommandIdRetention,
            ShowsExceptions = options.EnableDetailedErrors,
        };
        _cluster = ClusterState.Sole([_alice.Type], time);
        var peers = new PeerLinks(options.Cluster, time, NullLogger<PeerLinks>.Instance);
        var environment = new EntityEnvironment(() => new ShoppingCartEntity(), new StoredTypes(_definition.Model.StoredTypes), options.Entities, _cluster, time);
        var memory = new MemoryLimit(bytes: null, maxLoad: 95, time, NullLogger<MemoryLimit>.Instance);
        var loader = new EntityLoader(_definition.Model, environment, isJournaled: false, store, health, limits, memory, time);
        var outbox = new OwnedOutbox(new Deliveries());
        var runner = new CommandRunner(CallTargets.All, [], outbox, limits, long.MaxValue, memory, time, NullLogger<CommandRunner>.Instance);
        var table = new ActivationTable(loader, runner, options.Entities, journal, outbox, new TimerSchedule(), new ReplicaOutput(peers, _cluster), new LocalFlush(options.Crdt.FlushInterval, time, NullLogger<LocalFlush>.Instance), defaultLevel: null, time);
        var runtime = new EntityRuntime(new Dictionary<string, ActivationTable> { [_alice.Type] = table }, journal, time);
        var replicas = new ReplicaSync(runtime, store: null, [], health, options.Crdt, time);
        var everywhere = new EverywhereLevel(replicas, peers, _cluster, membership: null, time);
        _router = new CommandRouter(runtime, _cluster, peers, everywhere, membership: null, health, limits, time);
        _key = _definition.Commands["com.example.shoppingcart.ShoppingCart/AddItem"].Key;
    }

    [Benchmark(Description = "write: command, handler, event, journal, outcome")]
    [Budget(6000, 2500)]
    public Task Write() => ExecuteAsync("AddItem", _add);

    [Benchmark(Description = "read: command, handler, outcome")]
    [Budget(1000, 1000)]
    public Task Read() => ExecuteAsync("GetCart", _get);

    [Benchmark(Description = "key of a message")]
    [Budget(20, 0)]
    public string Key() => _key.Read(_add);

    [Benchmark(Description = "owner of a key")]
    [Budget(50, 0)]
    public object? Owner() => _cluster.Find(_cluster.SlotOf(_alice));

    private async Task ExecuteAsync(string rpc, IMessage message)
    {
        var command = new Command
        {
            Definition = _definition.Commands[$"com.example.shoppingcart.ShoppingCart/{rpc}"],
            Entity = _alice,
            Message = message,
            Metadata = CallMetadata.Empty,
        };
        if (!(await _router.ExecuteAsync(command)).IsReply)
        {
            throw new InvalidOperationException("The command was not accepted.");
        }
    }
}
