using System.Diagnostics;
using System.Text.RegularExpressions;
using CloudState.Knative.FunctionalTests.Documentation;
using CloudState.Knative.FunctionalTests.Hosting;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Deployment;

/// <summary>
/// The commands of knative/README.md. Those that need no cluster are run; what those for kn and kubectl name is in the manifests, with the same settings.
/// </summary>
public sealed partial class KnativeReadmeTests
{
    // Longer lines are broken with a backslash.
    private static readonly string[] Commands =
        [.. Broken().Replace(string.Join('\n', Readme.At("knative/README.md").Indented), " ").Split('\n').Select(command => command.Trim())];

    private static readonly IReadOnlyList<Resource> Manifests =
        [.. ((string[])["knative", "knative/orders"]).SelectMany(folder => Kustomization.Render(Path.Combine(Readme.Root, folder)))];

    [Fact]
    public async Task Requests_AreServed()
    {
        await using var service = await ServiceProcess.StartAsync(("CloudState__Sqlite__Path", ":memory:"));
        var requests = Commands.Where(command => command.StartsWith("curl ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(5, requests.Length);

        foreach (var request in requests)
        {
            var line = request.Replace("curl ", "curl -sSf ", StringComparison.Ordinal)
                .Replace("http://broker-ingress.knative-eventing.svc.cluster.local/NAMESPACE/default", $"$URL{SubscriberPath}", StringComparison.Ordinal);
            using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", line]) { Environment = { ["URL"] = $"{service.Address}".TrimEnd('/') } })!;
            await shell.WaitForExitAsync().WaitAsync(TestService.Patience);

            Assert.True(shell.ExitCode == 0, line);
        }
    }

    [Fact]
    public void Folders_AndFiles_Exist() => Assert.All(
        Commands.Where(command => command.StartsWith("kubectl apply", StringComparison.Ordinal)).Concat(Readme.At("knative/README.md").Inline.Where(code => code.StartsWith("kubectl apply -k ", StringComparison.Ordinal))),
        command =>
        {
            var path = Path.Combine(Readme.Root, command.Split(' ')[^1]);
            Assert.True(command.Contains("-k") ? File.Exists(Path.Combine(path, "kustomization.yaml")) : File.Exists(path), command);
        });

    [Fact]
    public void Resources_AreThoseOfTheManifests()
    {
        var names = Manifests.Select(resource => $"{KindInCommands(resource)}/{resource.Name}").ToHashSet(StringComparer.Ordinal);
        var named = Commands.SelectMany(command => Named().Matches(command)).Select(match => match.Value).ToArray();

        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, names));
    }

    [Fact]
    public void KnServiceCreate_SaysWhatTheManifestSays()
    {
        var service = Manifests.Single(resource => resource.IsKnativeService && resource.Name == "shopping-cart");
        var (container, create) = (service.Containers.Single(), Commands.Single(command => command.StartsWith("kn service create", StringComparison.Ordinal)));
        var (spec, annotations) = ((string[])["spec", "template", "spec"], (string[])["spec", "template", "metadata", "annotations"]);
        var secret = container.Yaml["env"][0]["valueFrom"]["secretKeyRef"];

        Assert.All(
            [
                $"create {service.Name} ",
                $"--port {container.Yaml["ports"][0]["name"]}:{container.Port}",
                $"--scale {service.Find([.. annotations, "autoscaling.knative.dev/min-scale"])}..{service.Find([.. annotations, "autoscaling.knative.dev/max-scale"])}",
                $"--concurrency-limit {service.Find([.. spec, "containerConcurrency"])}",
                $"--timeout {service.Find([.. spec, "timeoutSeconds"])}",
                $"--env-value-from {container.Yaml["env"][0]["name"]}=secret:{secret["name"]}:{secret["key"]}",
                $"--probe-readiness http::{container.Port}:{container.PathOf("readinessProbe")}",
                $"--probe-liveness http::{container.Port}:{container.PathOf("livenessProbe")}",
                $"--annotation-revision autoscaling.knative.dev/scale-to-zero-pod-retention-period={service.Find([.. annotations, "autoscaling.knative.dev/scale-to-zero-pod-retention-period"])}",
                $"--user {container.Yaml["securityContext"]["runAsUser"]}",
            ],
            setting => Assert.Contains(setting, $"{create} ", StringComparison.Ordinal));
    }

    [Fact]
    public void KnTriggerAndBinding_SayWhatTheManifestsSay()
    {
        var trigger = Manifests.Single(resource => resource.Name == "shopping-cart-add-item");

        Assert.Contains(
            $"kn trigger create {trigger.Name} --broker {trigger.Find("spec", "broker")} --filter type={trigger.Find("spec", "filter", "attributes", "type")} " +
            $"--sink ksvc:{trigger.Find("spec", "subscriber", "ref", "name")}",
            Commands);
        Assert.Contains("kn source binding create shopping-cart --subject Service:serving.knative.dev/v1:shopping-cart --sink broker:default", Commands);
    }

    private static string SubscriberPath => $"{Manifests.Single(resource => resource.Name == "shopping-cart-add-item").Find("spec", "subscriber", "uri")}";

    private static string KindInCommands(Resource resource) => resource switch
    {
        { IsKnativeService: true } => "ksvc",
        _ => resource.Kind.ToLowerInvariant(),
    };

    [GeneratedRegex(@"\s*\\\n\s*")]
    private static partial Regex Broken();

    [GeneratedRegex(@"\b(ksvc|broker|trigger|statefulset)/[a-z-]+")]
    private static partial Regex Named();
}
