using System.Diagnostics.Metrics;
using CloudState.Knative.Cluster;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Runtime;

namespace CloudState.Knative.Hosting;

/// <summary>The gauges of a service.</summary>
internal sealed class Observations(ClusterState cluster, EntityRuntime runtime, Deliveries deliveries, TimerSchedule timers)
{
    public void Start()
    {
        CloudStateTelemetry.Observe(
            cluster, "cloudstate.cluster.members", "{member}", "Processes in the cluster.",
            IEnumerable<Measurement<int>> (cluster) => [new Measurement<int>(cluster.Snapshot.Members.Count)]);
        CloudStateTelemetry.Observe(
            cluster, "cloudstate.cluster.slots.owned", "{slot}", "Slots that this process owns.",
            cluster => cluster.Owned.CountBy(owned => owned.Slot.EntityType).Select(type => OfType(type.Value, type.Key)));
        CloudStateTelemetry.Observe(
            runtime, "cloudstate.entity.active", "{entity}", "Entities in memory.",
            runtime => runtime.Tables.Select(table => OfType(table.Value.Count, table.Key)));
        CloudStateTelemetry.Observe(
            deliveries, "cloudstate.delivery.waiting", "{delivery}",
            "Stored calls and events of entities in this process that are still to be delivered.",
            IEnumerable<Measurement<int>> (deliveries) => [new Measurement<int>(deliveries.Count)]);
        CloudStateTelemetry.Observe(
            timers, "cloudstate.timer.next", "s", "Time until the next timer of entities in this process is due; negative if overdue.",
            IEnumerable<Measurement<double>> (timers) =>
                timers.Next is { } next ? [new Measurement<double>((next - DateTimeOffset.UtcNow).TotalSeconds)] : []);
    }

    private static Measurement<int> OfType(int value, string entityType) =>
        new(value, CloudStateTelemetry.Tag(CloudStateTelemetry.TypeTag, entityType));
}
