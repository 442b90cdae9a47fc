using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>One host with the embedded store, in a file that outlives its restarts.</summary>
[CollectionDefinition]
public sealed class EmbeddedTck : TckDeployment, ICollectionFixture<EmbeddedTck>
{
    private readonly TemporaryFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override async Task<TestService[]> StartPodsAsync() =>
        [await StartPodAsync(("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "tck.db")))];
}
