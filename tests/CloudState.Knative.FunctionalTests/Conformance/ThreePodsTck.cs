using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>Three pods that share a PostgreSQL schema, and the entities between them.</summary>
[CollectionDefinition]
public sealed class ThreePodsTck : TckDeployment, ICollectionFixture<ThreePodsTck>
{
    private readonly PostgresSchema _schema = new();

    public override async ValueTask InitializeAsync()
    {
        await _schema.InitializeAsync();
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _schema.DisposeAsync();
    }

    private protected override async Task<TestService[]> StartPodsAsync()
    {
        var settings = Pods.Settings(_schema);
        TestService[] pods = [await StartPodAsync(settings), await StartPodAsync(settings), await StartPodAsync(settings)];
        await Pods.SettledAsync(pods);
        return pods;
    }
}
