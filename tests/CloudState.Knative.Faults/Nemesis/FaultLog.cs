using System.Diagnostics;
using System.Text;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Nemesis;

/// <summary>All faults of a run. Each is felt from its injection until some time after its healing: lost leases must end first.</summary>
internal sealed class FaultLog(long runStarted, TimeSpan aftermath)
{
    // Operations are shorter than the time that so many faults take.
    private const int Recent = 16;

    private readonly Lock _lock = new();
    private readonly List<Fault> _faults = [];

    /// <summary>Says that a fault is injected now; disposing what it returns says that it is healed.</summary>
    public IDisposable Inject(FaultKind kind, string description)
    {
        var fault = new Fault(kind, description, Stopwatch.GetTimestamp());
        Console.WriteLine(Line(fault));
        lock (_lock)
        {
            _faults.Add(fault);
        }

        return new Healing(this, fault);
    }

    public void Observe(Operation operation)
    {
        lock (_lock)
        {
            foreach (var fault in _faults.TakeLast(Recent).Where(fault => operation.Completed >= fault.Injected && operation.Started <= fault.EndOfWindow(aftermath)))
            {
                fault.Observe(operation);
            }
        }
    }

    public void ObserveFailure(string answer, long started, long ended)
    {
        lock (_lock)
        {
            foreach (var fault in _faults.TakeLast(Recent).Where(fault => ended >= fault.Injected && started <= fault.Healed))
            {
                fault.ObserveFailure(answer);
            }
        }
    }

    /// <summary>After the run.</summary>
    public IReadOnlyList<Fault> All => _faults;

    /// <summary>After the run: whether nothing else was felt while this fault lasted.</summary>
    public bool IsAlone(Fault fault) =>
        !_faults.Any(other => other != fault && other.Injected <= fault.Healed && other.EndOfWindow(aftermath) >= fault.Injected);

    /// <summary>The last faults before a moment, for a person to read.</summary>
    public string Describe(long at, int count)
    {
        var text = new StringBuilder();
        lock (_lock)
        {
            foreach (var fault in _faults.Where(fault => fault.Injected <= at).TakeLast(count))
            {
                text.AppendLine($"{Line(fault)}{(fault.Healed == long.MaxValue ? "" : $", healed at {Seconds(fault.Healed):0.0} s")}");
            }
        }

        return text.Length > 0 ? text.ToString() : $"  none{Environment.NewLine}";
    }

    private string Line(Fault fault) => $"  {Seconds(fault.Injected),6:0.0} s  {fault.Kind.ToString().ToLowerInvariant(),-9} {fault.Description}";

    private double Seconds(long timestamp) => Stopwatch.GetElapsedTime(runStarted, timestamp).TotalSeconds;

    private sealed class Healing(FaultLog log, Fault fault) : IDisposable
    {
        public void Dispose()
        {
            lock (log._lock)
            {
                fault.Healed = Stopwatch.GetTimestamp();
            }
        }
    }
}
