using CloudState.Knative.Entities;
using CloudState.Knative.Hosting;
using CloudState.Knative.Ownership;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Runtime;

/// <summary>The runtime with counters on a <see cref="ScriptedStore"/>.</summary>
internal sealed class RuntimeFixture : IAsyncDisposable
{
    private readonly EntityDefinition _definition = EntityDefinitionReader.Read(typeof(CounterEntity));

    private readonly PeerLinks _peers;
    private readonly CommandRouter _router;

    public RuntimeFixture(Action<CloudStateOptions>? configure = null)
    {
        var options = new CloudStateOptions();
        configure?.Invoke(options);
        var health = new StoreHealth(NullLogger<StoreHealth>.Instance);
        var journal = new Journal(Store, health, options.MaxBatchSize);
        var runner = new CommandRunner(
            _definition, () => new CounterEntity(), Store, health, options, options.Entities.SnapshotEvery, Time, NullLogger.Instance);
        Counters = new ActivationTable(runner, options.Entities, Store, journal, Time);
        Runtime = new EntityRuntime(new Dictionary<string, ActivationTable> { ["counter"] = Counters }, journal, Time);
        _peers = new PeerLinks(options.Ring, Time);
        _router = new CommandRouter(Runtime, RingState.Sole(["counter"], Time), _peers, membership: null, health, options, Time);
    }

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(20);

    public ScriptedStore Store { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public EntityRuntime Runtime { get; }

    public ActivationTable Counters { get; }

    public static EntityKey KeyOf(string counter) => new("counter", counter);

    public Task<CommandOutcome> AddAsync(
        string counter, long amount, string behaviour = "", string? id = null, TimeSpan? timeout = null, CancellationToken cancelled = default) =>
        ExecuteAsync("Add", new Addition { Counter = counter, Amount = amount, Behaviour = behaviour }, id, timeout, cancelled);

    public Task<CommandOutcome> ReadAsync(string counter) => ExecuteAsync("Read", new Question { Counter = counter }, null, null, default);

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

    private Task<CommandOutcome> ExecuteAsync(string method, IMessage message, string? id, TimeSpan? timeout, CancellationToken cancelled)
    {
        var command = _definition.Commands[$"cloudstate.tests.unit.Counter/{method}"];
        return _router.ExecuteAsync(new Command
        {
            Definition = command,
            Key = new EntityKey("counter", command.Key.Read(message)),
            Message = message,
            Metadata = CommandMetadata.Empty,
            CommandId = id,
            Deadline = timeout is null ? null : Time.GetUtcNow() + timeout,
            CallCancelled = cancelled,
        }).WaitAsync(Patience, TestContext.Current.CancellationToken);
    }
}
