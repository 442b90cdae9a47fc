using System.Runtime.CompilerServices;

namespace CloudState.Knative.UnitTests.Architecture;

internal static class Repository
{
    /// <summary>The folder of the solution that these tests were compiled in.</summary>
    public static string Root { get; } = Find();

    private static string Find([CallerFilePath] string here = "")
    {
        var folder = Path.GetDirectoryName(here);
        while (folder is not null && !File.Exists(Path.Combine(folder, "CloudState.Knative.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("These tests run where they were compiled: beside the sources.");
    }
}
