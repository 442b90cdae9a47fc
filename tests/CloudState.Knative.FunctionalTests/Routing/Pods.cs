using CloudState.Knative.Cluster;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Kestrel;
using CloudState.Knative.Storage;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>Several services in this process as pods of one cluster, in a schema of their own.</summary>
internal static class Pods
{
    public const string CartType = "shopping-cart";

    public static (string, string)[] Settings(PostgresSchema schema) =>
        [("ConnectionStrings:CloudState", PostgresSchema.ConnectionString), ("CloudState:Marten:SchemaName", schema.Name)];

    public static Task<TestService> StartAsync(PostgresSchema schema, params (string, string)[] more) =>
        TestService.StartAsync(settings: [.. Settings(schema), .. more]);

    public static Task<TestService> StartWithProbeAsync(PostgresSchema schema, params (string Key, string Value)[] settings) =>
        TestService.StartAsync(more: cloudState => cloudState.AddEntity<ProbeEntity>(), settings: [.. Settings(schema), .. settings]);

    public static ClusterState Cluster(this TestService pod) => pod.Services.GetRequiredService<ClusterState>();

    public static HashSet<Slot> Slots(this TestService pod) => [.. pod.Cluster().Owned.Where(owned => !owned.IsDraining).Select(owned => owned.Slot)];

    /// <summary>Waits until the pods own all slots of a type between them, each the slots that the cluster proposes for it.</summary>
    public static async Task SettledAsync(params TestService[] pods)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!pods.All(pod => pod.Cluster().Snapshot.Members.Count == pods.Length && pod.Slots().SetEquals(pod.Cluster().Snapshot.SlotsOfSelf())))
        {
            await Task.WhenAny(pods.Select(pod => pod.Services.GetRequiredService<Membership>().RequestReconcileAsync())).WaitAsync(patience.Token);
        }
    }

    /// <summary>A key of an entity that the pod owns.</summary>
    public static string KeyOf(this TestService owner, string entityType = CartType, string prefix = "key") =>
        Enumerable.Range(0, 10_000).Select(number => $"{prefix}-{number}").First(key => owner.Slots().Contains(owner.Cluster().SlotOf(new EntityId(entityType, key))));

    public static Uri InternalAddress(this TestService pod) => new($"http://{pod.Services.GetRequiredService<InternalPort>().Address}");

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;
}
