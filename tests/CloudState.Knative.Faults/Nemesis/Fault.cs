using System.Diagnostics;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Nemesis;

/// <summary>One fault from its injection to its healing, and what the clients felt of it. Guarded by the log that holds it.</summary>
internal sealed class Fault(FaultKind kind, string description, long injected)
{
    private readonly Dictionary<string, TimeSpan> _gaps = [];
    private readonly Dictionary<string, int> _failures = [];

    public FaultKind Kind => kind;

    public string Description => description;

    public long Injected => injected;

    /// <summary><see cref="long.MaxValue"/> until it is healed.</summary>
    public long Healed { get; set; } = long.MaxValue;

    /// <summary>The longest time from the first attempt of an operation to its end, of those that overlap the fault or its aftermath.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>The same per key, of those operations that overlap the fault itself.</summary>
    public IReadOnlyCollection<TimeSpan> Gaps => _gaps.Values;

    /// <summary>Attempts that failed between injection and healing, by their answers; refused connections do not count.</summary>
    public IReadOnlyDictionary<string, int> Failures => _failures;

    /// <summary>Until when it may be felt.</summary>
    public long EndOfWindow(TimeSpan aftermath) => Healed == long.MaxValue ? long.MaxValue : Healed + (long)(aftermath.TotalSeconds * Stopwatch.Frequency);

    public void Observe(Operation operation)
    {
        var lasted = Stopwatch.GetElapsedTime(operation.Started, operation.Completed);
        Longest = lasted > Longest ? lasted : Longest;
        if (operation.Started <= Healed && lasted > _gaps.GetValueOrDefault(operation.Key))
        {
            _gaps[operation.Key] = lasted;
        }
    }

    public void ObserveFailure(string answer) => _failures[answer] = _failures.GetValueOrDefault(answer) + 1;
}
