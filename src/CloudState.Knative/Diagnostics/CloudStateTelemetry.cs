using System.Diagnostics;
using System.Diagnostics.Metrics;
using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Diagnostics;

/// <summary>The traces and metrics of the library: one source and one meter, named after the assembly.</summary>
internal static class CloudStateTelemetry
{
    public const string Name = "CloudState.Knative";

    private const string TypeTag = "cloudstate.entity.type";
    private const string IdTag = "cloudstate.entity.id";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
    private static readonly InstrumentAdvice<int> Counts = new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384] };

    private static readonly Histogram<double> CommandDuration = Meter.CreateHistogram("cloudstate.command.duration", "s", "Time from the edge to the outcome of a command, by method and gRPC status.", advice: Seconds);
    private static readonly Counter<long> Activations = Meter.CreateCounter<long>("cloudstate.entity.activations", "{activation}", "Entities loaded from the store.");
    private static readonly Histogram<double> LoadDuration = Meter.CreateHistogram("cloudstate.entity.load.duration", "s", "Time to load an entity.", advice: Seconds);
    private static readonly Histogram<int> ReplayedEvents = Meter.CreateHistogram("cloudstate.entity.load.events", "{event}", "Events replayed per load.", advice: Counts);
    private static readonly Histogram<int> SnapshotSize = Meter.CreateHistogram("cloudstate.snapshot.size", "By", "Size of stored snapshots as protobuf.", advice: Counts);
    private static readonly Counter<long> EventsAppended = Meter.CreateCounter<long>("cloudstate.journal.events", "{event}", "Events stored.");
    private static readonly Histogram<int> BatchSize = Meter.CreateHistogram("cloudstate.journal.batch.commands", "{command}", "Commands per transaction.", advice: Counts);
    private static readonly Histogram<double> AppendDuration = Meter.CreateHistogram("cloudstate.journal.append.duration", "s", "Time of one transaction.", advice: Seconds);

    private static readonly Counter<long> FencedAppends = Meter.CreateCounter<long>("cloudstate.journal.fenced", "{command}", "Commands whose append was refused because this process was no longer the owner.");
    private static readonly Counter<long> MovedSlots = Meter.CreateCounter<long>("cloudstate.ring.slots.moved", "{slot}", "Slots claimed and released by this process, by direction.");
    private static readonly Counter<long> LateRenewals = Meter.CreateCounter<long>("cloudstate.ring.renewals.late", "{renewal}", "Renewals that came after the lease had ended.");
    private static readonly Histogram<double> HandoverDuration = Meter.CreateHistogram("cloudstate.ring.handover.duration", "s", "Time from learning of slots to own until owning all of them.", advice: Seconds);
    private static readonly Histogram<double> ForwardDuration = Meter.CreateHistogram("cloudstate.forward.duration", "s", "Time of commands forwarded to their owner, by result: outcome, not_owner, unreachable.", advice: Seconds);
    private static readonly Counter<long> NotOwnerAnswers = Meter.CreateCounter<long>("cloudstate.forward.refused", "{command}", "Forwarded commands that this process refused because it is not the owner.");

    private static readonly Counter<long> DeliveryAttempts = Meter.CreateCounter<long>("cloudstate.delivery.attempts", "{attempt}", "Attempts to deliver stored calls and events, by gRPC status.");
    private static readonly Histogram<double> TimerLateness = Meter.CreateHistogram("cloudstate.timer.lateness", "s", "Time from when a timer was due until it fired.", advice: Seconds);
    private static readonly Counter<long> ParkedDeliveries = Meter.CreateCounter<long>("cloudstate.delivery.parked", "{delivery}", "Events that were parked because they could not be delivered.");

    private static readonly Counter<long> EventsPublished = Meter.CreateCounter<long>("cloudstate.topic.published", "{event}", "Attempts to publish events, by topic and gRPC status.");

    /// <summary>Starts the span that those of loading, handling and appending belong to. Null when nobody wants to know.</summary>
    public static MeasuredCommand? StartCommand(Command command)
    {
        if (!Source.HasListeners() && !CommandDuration.Enabled)
        {
            return null;
        }

        var span = Start(command.Definition.SpanName, command, ActivityKind.Internal);
        command.Trace = span?.Context ?? command.Trace;
        return new(command, span);
    }

    public static Activity? StartAction(string method, ActivityContext trace) => Source.StartActivity($"action {method}", ActivityKind.Internal, trace);

    public static Activity? StartLoad(Command command) => Start("load", command, ActivityKind.Client);

    public static Activity? StartHandle(Command command) => Start("handle", command, ActivityKind.Internal);

    public static void Loaded(Command command, StoredEntity stored, TimeSpan elapsed)
    {
        var type = new KeyValuePair<string, object?>(TypeTag, command.Entity.Type);
        Activations.Add(1, type);
        LoadDuration.Record(elapsed.TotalSeconds, type);
        ReplayedEvents.Record(stored.Events.Count, type);
    }

    /// <summary>One transaction of the journal; every command in it gets a span of it.</summary>
    public static void Appended(ArraySegment<PendingAppend[]> groups, TimeSpan elapsed)
    {
        AppendDuration.Record(elapsed.TotalSeconds);
        var commands = groups.Sum(group => group.Length);
        BatchSize.Record(commands);
        foreach (var append in groups.SelectMany(group => group))
        {
            EventsAppended.Add(append.Append.Events.Count, new KeyValuePair<string, object?>(TypeTag, append.EntityId.Type));
            if (append.Append.Snapshot is { State: IMessage state } && SnapshotSize.Enabled)
            {
                SnapshotSize.Record(state.CalculateSize(), new KeyValuePair<string, object?>(TypeTag, append.EntityId.Type));
            }

            if (Start("append", append.Pending.Command, ActivityKind.Client) is { } span)
            {
                span.SetStartTime(DateTime.UtcNow - elapsed);
                span.SetTag("cloudstate.journal.batch.commands", commands);
                span.Dispose();
            }
        }
    }

    public static void Fenced(ArraySegment<PendingAppend[]> groups) => FencedAppends.Add(groups.Sum(group => group.Length));

    public static void SlotsClaimed(int count) => MovedSlots.Add(count, new KeyValuePair<string, object?>("direction", "claimed"));

    public static void SlotsReleased(int count) => MovedSlots.Add(count, new KeyValuePair<string, object?>("direction", "released"));

    public static void LeaseRenewedLate() => LateRenewals.Add(1);

    public static void HandedOver(TimeSpan elapsed) => HandoverDuration.Record(elapsed.TotalSeconds);

    public static void RefusedAsNotOwner() => NotOwnerAnswers.Add(1);

    public static Activity? StartForward(Command command, string address) =>
        Start("forward", command, ActivityKind.Client)?.SetTag("server.address", address);

    public static void Forwarded(TimeSpan elapsed, string result) =>
        ForwardDuration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("result", result));

    public static void ObserveRing(ClusterState state)
    {
        var weak = new WeakReference<ClusterState>(state);
        Meter.CreateObservableGauge(
            "cloudstate.ring.members", () => weak.TryGetTarget(out var alive) ? alive.Snapshot.Members.Count : 0, "{member}", "Processes in the ring.");
        Meter.CreateObservableGauge(
            "cloudstate.ring.slots.owned",
            () => weak.TryGetTarget(out var alive)
                ? alive.Owned.CountBy(owned => owned.Slot.EntityType).Select(type => new Measurement<int>(type.Value, new KeyValuePair<string, object?>(TypeTag, type.Key)))
                : [],
            "{slot}",
            "Slots that this process owns.");
    }

    public static void Delivered(StatusCode status) =>
        DeliveryAttempts.Add(1, new KeyValuePair<string, object?>("rpc.response.status_code", status.ToString()));

    public static void Parked() => ParkedDeliveries.Add(1);

    public static void ObserveDeliveries(Deliveries deliveries)
    {
        var weak = new WeakReference<Deliveries>(deliveries);
        Meter.CreateObservableGauge(
            "cloudstate.delivery.waiting", () => weak.TryGetTarget(out var alive) ? alive.Count : 0, "{delivery}", "Stored calls and events of entities in this process that are still to be delivered.");
    }

    public static void TimerFired(TimeSpan lateness) => TimerLateness.Record(lateness.TotalSeconds);

    public static void ObserveTimers(TimerSchedule timers)
    {
        var weak = new WeakReference<TimerSchedule>(timers);
        Meter.CreateObservableGauge(
            "cloudstate.timer.next",
            () => weak.TryGetTarget(out var alive) && alive.Next is { } next ? [new Measurement<double>((next - DateTimeOffset.UtcNow).TotalSeconds)] : Array.Empty<Measurement<double>>(),
            "s",
            "In what time the next timer of entities in this process is due; negative when it is overdue.");
    }

    /// <summary>The span of one attempt to publish an event, by OpenTelemetry's conventions for messaging.</summary>
    public static Activity? StartPublish(string topic, OutgoingEvent published) => Source.StartActivity($"publish {topic}", ActivityKind.Client, published.Trace)
        ?.SetTag("messaging.system", "cloudevents")
        .SetTag("messaging.operation.name", "publish")
        .SetTag("messaging.operation.type", "send")
        .SetTag("messaging.destination.name", topic)
        .SetTag("messaging.message.id", published.Id);

    public static void Published(Activity? span, string topic, Status status)
    {
        var code = status.StatusCode.ToString();
        EventsPublished.Add(1, new KeyValuePair<string, object?>("messaging.destination.name", topic), new KeyValuePair<string, object?>("rpc.response.status_code", code));
        span?.SetTag("rpc.response.status_code", code);
        if (status.StatusCode != StatusCode.OK)
        {
            span?.SetStatus(ActivityStatusCode.Error, status.Detail);
        }
    }

    public static void ObserveActiveEntities(EntityRuntime runtime)
    {
        var weak = new WeakReference<EntityRuntime>(runtime);
        Meter.CreateObservableGauge(
            "cloudstate.entity.active",
            () => weak.TryGetTarget(out var alive)
                ? alive.Tables.Select(table => new Measurement<int>(table.Value.Count, new KeyValuePair<string, object?>(TypeTag, table.Key)))
                : [],
            "{entity}",
            "Entities in memory.");
    }

    private static Activity? Start(string name, Command command, ActivityKind kind)
    {
        var activity = Source.StartActivity(name, kind, command.Trace);
        activity?.SetTag(TypeTag, command.Entity.Type).SetTag(IdTag, command.Entity.Key);
        return activity;
    }

    /// <summary>The span and the duration of one command.</summary>
    public sealed class MeasuredCommand(Command command, Activity? activity) : IDisposable
    {
        private readonly long _started = Stopwatch.GetTimestamp();

        public StatusCode Outcome { get; set; } = StatusCode.Cancelled;

        public void Dispose()
        {
            CommandDuration.Record(
                Stopwatch.GetElapsedTime(_started).TotalSeconds,
                new KeyValuePair<string, object?>("rpc.method", command.Definition.FullName),
                new KeyValuePair<string, object?>("rpc.response.status_code", Outcome.ToString()));
            activity?.SetTag("rpc.response.status_code", Outcome.ToString());
            if (Outcome is StatusCode.Unknown or StatusCode.DeadlineExceeded or StatusCode.Unimplemented or StatusCode.Internal or StatusCode.Unavailable or StatusCode.DataLoss)
            {
                // Those that the conventions of OpenTelemetry take for failures of a server; the others are for the caller.
                activity?.SetStatus(ActivityStatusCode.Error);
            }

            activity?.Dispose();
        }
    }
}
