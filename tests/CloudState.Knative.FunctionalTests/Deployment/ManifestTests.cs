using System.Net;
using CloudState.Knative.FunctionalTests.Documentation;
using CloudState.Knative.FunctionalTests.Hosting;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Deployment;

/// <summary>What the manifests say is done with the executables of the samples, in the environment that the manifests give them: Jobs end, services serve.</summary>
public sealed class ManifestTests(ManifestDatabase database) : IClassFixture<ManifestDatabase>
{
    private static readonly string[] OtherImages = ["postgres:17", "gcr.io/knative-releases/knative.dev/eventing/cmd/event_display"];

    public static TheoryData<string> Overlays => [.. Kustomizations().Where(folder => Kustomization.Render(folder).Any(resource => resource.IsKnativeService)).Select(folder => Path.GetRelativePath(Readme.Root, folder))];

    [Fact]
    public void Folders_Render_AndTheirImagesAreKnown() => Assert.All(Kustomizations(), folder =>
    {
        var manifests = Kustomization.Render(folder);

        Assert.Distinct(manifests.Select(resource => $"{resource.Yaml["apiVersion"]} {resource}"));
        Assert.All(manifests.SelectMany(resource => resource.Containers), container => Assert.True(Samples.Find(container.Image) is not null || OtherImages.Contains(container.Image), container.Image));
    });

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Jobs_CreateTheSchema_AndServicesServe(string overlay)
    {
        var manifests = Kustomization.Render(Path.Combine(Readme.Root, overlay));
        var jobs = Samples.ContainersOf(manifests, resource => resource.Kind == "Job").ToArray();
        var services = Samples.ContainersOf(manifests, resource => resource.IsKnativeService).ToArray();
        Assert.NotEmpty(jobs);
        Assert.Equal(services.Length, jobs.Length);

        foreach (var (job, container, sample) in jobs)
        {
            var environment = Environment(container, manifests);
            foreach (var arguments in (string[][])[container.Args, ["--help"], ["--schema-sql"], container.Args])
            {
                var (exitCode, output) = await ServiceProcess.RunAsync(sample, arguments, environment);

                Assert.True(exitCode == 0, $"{job} {string.Join(' ', arguments)} ended with {exitCode}:\n{output}");
            }

            Assert.True(await database.HasSchemaAsync(environment.FirstOrDefault(variable => variable.Key == "CloudState__Marten__SchemaName").Value ?? "public"), $"{job} made no schema.");
        }

        foreach (var (service, container, sample) in services)
        {
            await using var process = await ServiceProcess.StartAsync(sample, [.. OnKnative(service, manifests), .. Environment(container, manifests)]);

            await process.ReadyAsync(container.PathOf("readinessProbe"));
            Assert.Equal(HttpStatusCode.OK, (await process.Http.GetAsync(container.PathOf("livenessProbe"))).StatusCode);
            Assert.Equal(0, await process.TerminateAsync());
        }
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Services_HaveThePortOfTheLibrary(string overlay) => Assert.All(
        Samples.ContainersOf(Kustomization.Render(Path.Combine(Readme.Root, overlay)), resource => resource.IsKnativeService),
        service => Assert.Equal((8080, false), (service.Container.Port, service.Container.HasCommand)));

    private (string Key, string Value)[] Environment(Container container, IReadOnlyList<Resource> manifests) =>
    [
        .. container.Environment(manifests).Select(variable =>
            variable.Name == "ConnectionStrings__CloudState" ? (variable.Name, database.Adapt(variable.Value)) : variable),
    ];

    /// <summary>What Knative adds: the names of a service, and the sink of a SinkBinding that has the service as its subject.</summary>
    private static IEnumerable<(string Key, string Value)> OnKnative(Resource service, IReadOnlyList<Resource> manifests)
    {
        yield return ("K_SERVICE", service.Name);
        yield return ("K_CONFIGURATION", service.Name);
        yield return ("K_REVISION", $"{service.Name}-00001");
        if (manifests.Any(binding => binding.Kind == "SinkBinding" && $"{binding.Find("spec", "subject", "kind")}" == "Service" && $"{binding.Find("spec", "subject", "name")}" == service.Name))
        {
            yield return ("K_SINK", "http://broker-ingress.knative-eventing.svc.cluster.local/default/default");
        }
    }

    private static IEnumerable<string> Kustomizations() =>
        Directory.GetFiles(Path.Combine(Readme.Root, "knative"), "kustomization.yaml", SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal);
}
