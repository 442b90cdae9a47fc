using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.FunctionalTests.Hosting;

namespace CloudState.Knative.FunctionalTests.Diagnostics;

/// <summary>What the library measures in this process from now on, of whatever has the right tags.</summary>
internal sealed class Metrics : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> _measurements = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _taken = new();
    private readonly Predicate<IReadOnlyDictionary<string, object?>> _belongs;

    public Metrics(Predicate<IReadOnlyDictionary<string, object?>> belongs)
    {
        _belongs = belongs;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == CloudStateTelemetry.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.Start();
    }

    public void Observe() => _listener.RecordObservableInstruments();

    /// <summary>Waits for the first measurement of an instrument.</summary>
    public Task TakenAsync(string instrument) => Taken(instrument).Task.WaitAsync(TestService.Patience);

    public IEnumerable<double> ValuesOf(string instrument, params (string Key, object Value)[] tags) => _measurements
        .Where(taken => taken.Instrument == instrument && tags.All(tag => tag.Value.Equals(taken.Tags.GetValueOrDefault(tag.Key))))
        .Select(taken => taken.Value);

    public int CountOf(string instrument, params (string Key, object Value)[] tags) => ValuesOf(instrument, tags).Count();

    public double SumOf(string instrument, params (string Key, object Value)[] tags) => ValuesOf(instrument, tags).Sum();

    public void Dispose() => _listener.Dispose();

    private TaskCompletionSource Taken(string instrument) =>
        _taken.GetOrAdd(instrument, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var byKey = new Dictionary<string, object?>(tags.ToArray());
        if (_belongs(byKey))
        {
            _measurements.Enqueue((instrument.Name, value, byKey));
            Taken(instrument.Name).TrySetResult();
        }
    }
}
