namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>A folder that is deleted with all in it when the test or the test class ends.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("cloudstate-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
