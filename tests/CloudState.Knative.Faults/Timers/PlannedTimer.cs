using CloudState.Knative.Faults.Events;
using CloudState.Knative.Faults.Nemesis;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Faults.Timers;

/// <summary>A timer of the run.</summary>
/// <param name="Alarm">The entity that sets it.</param>
/// <param name="Number">Tells it from all others.</param>
/// <param name="Due">When it fires.</param>
/// <param name="CancelAt">When it is cancelled; null when it is not.</param>
internal sealed record PlannedTimer(string Alarm, int Number, DateTime Due, DateTime? CancelAt)
{
    private const double CancelledShare = 0.05;

    // A cancellation that comes too late is no test.
    private static readonly TimeSpan CancelledBefore = TimeSpan.FromSeconds(1);

    /// <summary>When the cancellation was acknowledged.</summary>
    public DateTime? CancelledAt { get; set; }

    /// <summary>Whether it must not fire. When the pods were away for so long that it was cancelled after it was due, it may have fired before.</summary>
    public bool IsCancelled => CancelledAt < Due;

    public bool MayFireOrNot => CancelledAt >= Due;

    public static PlannedTimer[] Plan(TimerRunOptions options, DateTime start)
    {
        var random = new Random(options.Seed);
        return [.. Enumerable.Range(1, options.Timers).Select(number =>
        {
            var due = start + random.Between(options.FirstDue, options.LastDue);
            var cancelAt = start + random.Between(options.FirstDue * 0.6, due - CancelledBefore - start);
            return new PlannedTimer($"alarm-{number / options.PerEntity}", number, due, random.NextDouble() < CancelledShare ? cancelAt : null);
        })];
    }

    public Shipment ToSetting() =>
        new("/", Setting.Descriptor.FullName, $"set {Number}", new Setting { Alarm = Alarm, Number = Number, Due = Timestamp.FromDateTime(Due) }.ToString());

    public Shipment ToCancellation() => new("/", Cancellation.Descriptor.FullName, $"cancel {Number}", new Cancellation { Alarm = Alarm, Number = Number }.ToString());
}
