using CloudState.Knative.FunctionalTests.Documentation;

namespace CloudState.Knative.FunctionalTests.Deployment;

/// <summary>The samples by their images.</summary>
internal static class Samples
{
    private static readonly string Configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;

    private static readonly Dictionary<string, string> ByImage = Directory.GetFiles(Path.Combine(Readme.Root, "samples"), "*.csproj", SearchOption.AllDirectories)
        .Select(project => (Project: project, Image: ImageOf(File.ReadAllText(project)))).Where(sample => sample.Image.Length > 0)
        .ToDictionary(sample => sample.Image, sample => Path.Combine(Path.GetDirectoryName(sample.Project)!, "bin", Configuration, "net10.0", Path.ChangeExtension(Path.GetFileName(sample.Project), "dll")));

    /// <summary>The built assembly of an image; null when it is no sample's.</summary>
    public static string? Find(string image) => ByImage.GetValueOrDefault(image.Split('/')[^1].Split(':')[0]);

    public static IEnumerable<(Resource Resource, Container Container, string Sample)> ContainersOf(IReadOnlyList<Resource> manifests, Func<Resource, bool> of) =>
        manifests.Where(of).SelectMany(resource => resource.Containers.Select(container => (resource, container, Find(container.Image)!))).Where(found => found.Item3 is not null);

    private static string ImageOf(string project)
    {
        const string tag = "<ContainerRepository>";
        var start = project.IndexOf(tag, StringComparison.Ordinal);
        return start < 0 ? "" : project[(start + tag.Length)..project.IndexOf('<', start + 1)];
    }
}
