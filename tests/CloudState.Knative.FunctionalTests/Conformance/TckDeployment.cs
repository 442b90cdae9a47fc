using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Tck;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Balancer;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>
/// The conformance models as a client has them: pods, and a client that takes them in turn. Its tests are one xUnit collection, so
/// that each of them may restart it.
/// </summary>
public abstract class TckDeployment : IAsyncLifetime
{
    private TestService[] _pods = [];
    private int _requests;

    internal GrpcChannel Channel { get; private set; } = null!;

    internal HttpClient Http => _pods[(uint)Interlocked.Increment(ref _requests) % _pods.Length].Http1;

    internal int PodCount => _pods.Length;

    /// <summary>The calls that the targets of forwards and effects had, at whatever pod.</summary>
    internal CallLog Calls { get; } = new();

    private protected abstract Task<TestService[]> StartPodsAsync();

    public virtual async ValueTask InitializeAsync() => await StartAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await StopAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>One of the pods, for tests in which it matters who is asked. After a restart there are others.</summary>
    internal TestService Pod(int number) => _pods[number % _pods.Length];

    /// <summary>Ends all pods, then starts as many.</summary>
    internal async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>How many entities of a type are in memory.</summary>
    internal int InMemory(string entityType) => Tables(entityType).Sum(table => table.Count);

    /// <summary>Lets the entities of a type leave memory now, as if they had been idle for long.</summary>
    internal void Passivate(string entityType)
    {
        foreach (var table in Tables(entityType))
        {
            var usual = table.Options.PassivateAfter;
            table.Options.PassivateAfter = TimeSpan.Zero;

            // The last reply leaves a little before its entity is idle.
            Assert.True(SpinWait.SpinUntil(() => LeavesMemory(table), TestService.Patience));
            table.Options.PassivateAfter = usual;
        }

        static bool LeavesMemory(ActivationTable table)
        {
            table.PassivateIdle();
            return table.Count == 0;
        }
    }

    internal Task<StoredEntity> StoredAsync(string entityType, string id) => _pods[0].Services.GetRequiredService<IEntityStore>()
        .LoadAsync(new EntityId(entityType, id), StoredAs.Events, new CommandIdWindow(0, DateTimeOffset.UtcNow), TestContext.Current.CancellationToken)
        .WaitAsync(TestService.Patience);

    private protected Task<TestService> StartPodAsync(params (string, string)[] settings) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton(Calls);
            cloudState.AddTckModels();
        },
        settings);

    private async Task StartAsync()
    {
        _pods = await StartPodsAsync();
        Channel = RoundRobin(_pods);
    }

    private async Task StopAsync()
    {
        Channel?.Dispose();
        foreach (var pod in _pods)
        {
            await pod.DisposeAsync();
        }
    }

    private IEnumerable<ActivationTable> Tables(string entityType) => _pods.Select(pod =>
        pod.Services.GetRequiredService<EntityRuntime>().Tables.Single(table => table.Key == entityType).Value);

    private static GrpcChannel RoundRobin(IReadOnlyList<TestService> pods)
    {
        var addresses = pods.Select(pod => new BalancerAddress(pod.Address.Host, pod.Address.Port)).ToArray();
        return GrpcChannel.ForAddress("static:///tck", new GrpcChannelOptions
        {
            Credentials = ChannelCredentials.Insecure,
            ServiceProvider = new ServiceCollection().AddSingleton<ResolverFactory>(new StaticResolverFactory(_ => addresses)).BuildServiceProvider(),
            ServiceConfig = new ServiceConfig { LoadBalancingConfigs = { new RoundRobinConfig() } },
        });
    }
}
