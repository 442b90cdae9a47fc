using System.Collections.Frozen;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.Memory;
using CloudState.Knative.Outbox;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>The runtime with counters on a <see cref="ScriptedStore"/>: event sourced ones, unless it is told otherwise.</summary>
internal sealed class RuntimeFixture : IAsyncDisposable
{
    private readonly EntityDefinition _definition;
    private readonly PeerLinks _peers;
    private readonly CommandRouter _router;

    /// <param name="configure">Changes the options.</param>
    /// <param name="cluster">What this process owns; everything for ever when null.</param>
    public RuntimeFixture(Action<CloudStateOptions>? configure = null, ClusterState? cluster = null)
        : this(EntityDefinitionReader.Read(typeof(CounterEntity)), fixture => new CounterEntity { WhileReading = () => fixture.WhileReading() }, configure, cluster)
    {
    }

    public RuntimeFixture(EntityDefinition definition, Func<RuntimeFixture, Entity> create, Action<CloudStateOptions>? configure = null, ClusterState? cluster = null)
    {
        _definition = definition;
        var options = new CloudStateOptions();
        configure?.Invoke(options);
        var health = new StoreHealth(NullLogger<StoreHealth>.Instance);
        health.ReportUp();
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
        var journal = new JournalWriter(Store, FrozenDictionary<string, TypeJournal>.Empty, health, options.MaxBatchSize, NullLogger<JournalWriter>.Instance);
        cluster ??= ClusterState.Sole(["counter"], Time);
        _peers = new PeerLinks(options.Cluster, Time, NullLogger<PeerLinks>.Instance);
        var environment = new EntityEnvironment(() => create(this), new StoredTypes(_definition.Model.StoredTypes), options.Entities, cluster, Time);
        var memory = new MemoryLimit(bytes: null, maxLoad: 95, Time, NullLogger<MemoryLimit>.Instance);
        var loader = new EntityLoader(_definition.Model, environment, isJournaled: false, Store, health, limits, memory, Time);
        var runner = new CommandRunner(CallTargets.All, [], Outbox, limits, long.MaxValue, memory, Time, NullLogger<CommandRunner>.Instance);
        Counters = new ActivationTable(loader, runner, options.Entities, journal, Outbox, new TimerSchedule(), new ReplicaOutput(_peers, cluster), new LocalFlush(options.Crdt.FlushInterval, Time, NullLogger<LocalFlush>.Instance), defaultLevel: null, Time);
        Runtime = new EntityRuntime(new Dictionary<string, ActivationTable> { ["counter"] = Counters }, journal, Time);
        var replicas = new ReplicaSync(Runtime, store: null, [], health, options.Crdt, Time);
        var everywhere = new EverywhereLevel(replicas, _peers, cluster, membership: null, Time);
        _router = new CommandRouter(Runtime, cluster, _peers, everywhere, membership: null, health, limits, Time);
    }

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(20);

    public ScriptedStore Store { get; } = new();

    public OwnedOutbox Outbox { get; } = new(new Deliveries());

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public EntityRuntime Runtime { get; }

    public ActivationTable Counters { get; }

    /// <summary>What happens while a handler reads a counter.</summary>
    public Action WhileReading { get; set; } = () => { };

    public static EntityId KeyOf(string counter) => new("counter", counter);

    public Task<CallOutcome> AddAsync(
        string counter, long amount, string behaviour = "", string? id = null, TimeSpan? timeout = null, CancellationToken cancelled = default) =>
        ExecuteAsync(Addition(counter, amount, behaviour, id, timeout, cancelled));

    public Task<CallOutcome> ReadAsync(string counter) => ExecuteAsync(Question(counter));

    public Command Addition(
        string counter, long amount, string behaviour = "", string? id = null, TimeSpan? timeout = null, CancellationToken cancelled = default) =>
        CommandOf("Add", new Addition { Counter = counter, Amount = amount, Behaviour = behaviour }, id, timeout, cancelled);

    public Command Question(string counter) => CommandOf("Read", new Question { Counter = counter });

    /// <summary>Executes a command as an edge does: wherever its slot is owned, and again when it is not any more.</summary>
    public Task<CallOutcome> ExecuteAsync(Command command) =>
        _router.ExecuteAsync(command).AsTask().WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <summary>Executes a command inside a slot; unlike the router it does not try again elsewhere.</summary>
    public Task<CallOutcome> ExecuteInsideAsync(OwnedSlot slot, Command command)
    {
        Assert.True(slot.TryEnter());
        return Runtime.ExecuteAsync(command, new EnteredSlot(slot, slot), command.Deadline ?? Time.GetUtcNow() + Patience).AsTask()
            .WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    public async Task<long> TotalAsync(string counter) => ((Total)(await ReadAsync(counter)).Reply!).Value;

    /// <summary>Waits until no entity is busy: a reply leaves a moment before its activation comes to rest.</summary>
    public async Task QuietAsync()
    {
        while (Counters.IsBusy)
        {
            await Task.Yield();
        }
    }

    public ValueTask DisposeAsync()
    {
        Store.ReleaseAppends();
        _peers.Dispose();
        return Runtime.DisposeAsync();
    }

    public Command CommandOf(string method, IMessage message, string? id = null, TimeSpan? timeout = null, CancellationToken cancelled = default)
    {
        var definition = _definition.Commands[$"cloudstate.tests.unit.Counter/{method}"];
        return new Command
        {
            Definition = definition,
            Entity = new EntityId("counter", definition.Key.Read(message)),
            Message = message,
            Metadata = CallMetadata.Empty,
            CommandId = id,
            Deadline = timeout is null ? null : Time.GetUtcNow() + timeout,
            CallCancelled = cancelled,
        };
    }
}
