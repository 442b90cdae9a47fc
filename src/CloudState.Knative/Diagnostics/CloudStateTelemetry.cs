using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CloudState.Knative.Diagnostics;

/// <summary>The traces and metrics of the library: one source and one meter, named after the assembly. Knows names and numbers, and no feature.</summary>
internal static class CloudStateTelemetry
{
    public const string Name = "CloudState.Knative";
    public const string TypeTag = "cloudstate.entity.type";

    private const string KeyTag = "cloudstate.entity.key";
    private const string MethodTag = "rpc.method";
    private const string StatusTag = "rpc.response.status_code";
    private const string BatchSizeTag = "cloudstate.journal.batch.commands";
    private const string TopicTag = "messaging.destination.name";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
    private static readonly InstrumentAdvice<int> Counts = new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384] };

    private static readonly Histogram<double> CommandDuration = Duration("cloudstate.command.duration", "Time from the edge to the outcome of a command, by method and gRPC status.");
    private static readonly Counter<long> Activations = Counter("cloudstate.entity.activations", "{activation}", "Entities loaded from the store.");
    private static readonly Histogram<double> LoadDuration = Duration("cloudstate.entity.load.duration", "Time to load an entity.");
    private static readonly Histogram<int> ReplayedEvents = Sizes("cloudstate.entity.load.events", "{event}", "Events replayed per load.");
    private static readonly Histogram<int> SnapshotSize = Sizes("cloudstate.snapshot.size", "By", "Size of stored snapshots as protobuf.");
    private static readonly Counter<long> EventsAppended = Counter("cloudstate.journal.events", "{event}", "Events stored.");
    private static readonly Histogram<int> BatchSize = Sizes(BatchSizeTag, "{command}", "Commands per transaction.");
    private static readonly Histogram<double> AppendDuration = Duration("cloudstate.journal.append.duration", "Time of one transaction.");
    private static readonly Counter<long> FencedAppends =
        Counter("cloudstate.journal.fenced", "{command}", "Commands whose append was refused because this process was no longer the owner.");
    private static readonly Counter<long> MovedSlots = Counter("cloudstate.cluster.slots.moved", "{slot}", "Slots claimed and released by this process, by direction.");
    private static readonly Counter<long> LateRenewals = Counter("cloudstate.cluster.renewals.late", "{renewal}", "Renewals that came after the lease had expired.");
    private static readonly Histogram<double> HandoverDuration = Duration("cloudstate.cluster.handover.duration", "Time from learning of slots to own until owning all of them.");
    private static readonly Histogram<double> ForwardDuration =
        Duration("cloudstate.forward.duration", "Time of commands forwarded to their owner, by result: outcome, not_owner, unreachable.");
    private static readonly Counter<long> NotOwnerAnswers =
        Counter("cloudstate.forward.refused", "{command}", "Forwarded commands that this process refused because it is not the owner.");
    private static readonly Counter<long> DeliveryAttempts = Counter("cloudstate.delivery.attempts", "{attempt}", "Attempts to deliver stored calls and events, by rpc or topic and gRPC status.");
    private static readonly Histogram<double> TimerLateness = Duration("cloudstate.timer.lateness", "Time from when a timer was due until it fired.");
    private static readonly Counter<long> ParkedDeliveries = Counter("cloudstate.delivery.parked", "{delivery}", "Deliveries that were parked because they could not be made, by rpc or topic.");
    private static readonly Counter<long> EventsPublished = Counter("cloudstate.topic.published", "{event}", "Attempts to publish events, by topic and gRPC status.");

    /// <summary>Starts the span that those of loading, handling and appending belong to. Null without listeners.</summary>
    public static MeasuredCommand? StartCommand(string spanName, string method, string entityType, string key, ActivityContext parent) =>
        Source.HasListeners() || CommandDuration.Enabled ? new(method, StartEntity(spanName, entityType, key, ActivityKind.Internal, parent)) : null;

    public static Activity? StartAction(string method, ActivityContext parent) => Source.StartActivity($"action {method}", ActivityKind.Internal, parent);

    public static Activity? StartEntity(string name, string entityType, string key, ActivityKind kind, ActivityContext parent) =>
        Source.StartActivity(name, kind, parent)?.SetTag(TypeTag, entityType).SetTag(KeyTag, key);

    public static void Loaded(string entityType, int events, TimeSpan elapsed)
    {
        var type = Tag(TypeTag, entityType);
        Activations.Add(1, type);
        LoadDuration.Record(elapsed.TotalSeconds, type);
        ReplayedEvents.Record(events, type);
    }

    /// <summary>One transaction of the journal.</summary>
    public static void Committed(int commands, TimeSpan elapsed)
    {
        AppendDuration.Record(elapsed.TotalSeconds);
        BatchSize.Record(commands);
    }

    /// <summary>The part of one command in a transaction: events, a snapshot, and a span.</summary>
    /// <param name="entityType">Of the entity.</param>
    /// <param name="key">Of the entity.</param>
    /// <param name="events">How many were stored.</param>
    /// <param name="snapshotSize">In bytes, called only when it is recorded; null without a snapshot.</param>
    /// <param name="commands">How many the transaction had.</param>
    /// <param name="elapsed">How long the transaction took.</param>
    /// <param name="parent">The span of the command.</param>
    public static void Appended(string entityType, string key, int events, Func<int>? snapshotSize, int commands, TimeSpan elapsed, ActivityContext parent)
    {
        EventsAppended.Add(events, Tag(TypeTag, entityType));
        if (snapshotSize is not null && SnapshotSize.Enabled)
        {
            SnapshotSize.Record(snapshotSize(), Tag(TypeTag, entityType));
        }

        if (StartEntity("append", entityType, key, ActivityKind.Client, parent) is { } span)
        {
            span.SetStartTime(DateTime.UtcNow - elapsed);
            span.SetTag(BatchSizeTag, commands);
            span.Dispose();
        }
    }

    public static void Fenced(int commands) => FencedAppends.Add(commands);

    public static void SlotsClaimed(int count) => MovedSlots.Add(count, Tag("direction", "claimed"));

    public static void SlotsReleased(int count) => MovedSlots.Add(count, Tag("direction", "released"));

    public static void LeaseRenewedLate() => LateRenewals.Add(1);

    public static void HandedOver(TimeSpan elapsed) => HandoverDuration.Record(elapsed.TotalSeconds);

    public static void RefusedAsNotOwner() => NotOwnerAnswers.Add(1);

    public static void Forwarded(TimeSpan elapsed, string result) => ForwardDuration.Record(elapsed.TotalSeconds, Tag("result", result));

    /// <param name="target">The full name of an rpc, or a topic.</param>
    /// <param name="status">A gRPC status.</param>
    public static void Delivered(string target, string status) => DeliveryAttempts.Add(1, Tag(MethodTag, target), Tag(StatusTag, status));

    public static void Parked(string target) => ParkedDeliveries.Add(1, Tag(MethodTag, target));

    public static void TimerFired(TimeSpan lateness) => TimerLateness.Record(lateness.TotalSeconds);

    /// <summary>The span of one attempt to publish an event, by OpenTelemetry's conventions for messaging.</summary>
    public static Activity? StartPublish(string topic, string eventId, ActivityContext parent) => Source.StartActivity($"publish {topic}", ActivityKind.Client, parent)
        ?.SetTag("messaging.system", "cloudevents")
        .SetTag("messaging.operation.name", "publish")
        .SetTag("messaging.operation.type", "send")
        .SetTag(TopicTag, topic)
        .SetTag("messaging.message.id", eventId);

    /// <param name="span">That of the attempt.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="status">A gRPC status.</param>
    /// <param name="failure">Why the attempt failed; null when it did not.</param>
    public static void Published(Activity? span, string topic, string status, string? failure)
    {
        EventsPublished.Add(1, Tag(TopicTag, topic), Tag(StatusTag, status));
        span?.SetTag(StatusTag, status);
        if (failure is not null)
        {
            span?.SetStatus(ActivityStatusCode.Error, failure);
        }
    }

    /// <summary>Shows numbers of an object for as long as that lives; the meter outlives every host of a process.</summary>
    public static void Observe<TObject, T>(TObject observed, string name, string unit, string description, Func<TObject, IEnumerable<Measurement<T>>> measure)
        where TObject : class
        where T : struct
    {
        var weak = new WeakReference<TObject>(observed);
        Meter.CreateObservableGauge(name, () => weak.TryGetTarget(out var alive) ? measure(alive) : [], unit, description);
    }

    public static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static Counter<long> Counter(string name, string unit, string description) => Meter.CreateCounter<long>(name, unit, description);

    private static Histogram<double> Duration(string name, string description) => Meter.CreateHistogram(name, "s", description, advice: Seconds);

    private static Histogram<int> Sizes(string name, string unit, string description) => Meter.CreateHistogram(name, unit, description, advice: Counts);

    /// <summary>The span and the duration of one command.</summary>
    public sealed class MeasuredCommand(string method, Activity? span)
    {
        private readonly long _started = Stopwatch.GetTimestamp();

        /// <summary>Of the span; null when it is not recorded.</summary>
        public ActivityContext? Context => span?.Context;

        /// <param name="status">A gRPC status.</param>
        /// <param name="isServerFailure">Whether OpenTelemetry's conventions take it for a failure of the server.</param>
        public void End(string status, bool isServerFailure)
        {
            CommandDuration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, Tag(MethodTag, method), Tag(StatusTag, status));
            span?.SetTag(StatusTag, status);
            if (isServerFailure)
            {
                span?.SetStatus(ActivityStatusCode.Error);
            }

            span?.Dispose();
        }
    }
}
