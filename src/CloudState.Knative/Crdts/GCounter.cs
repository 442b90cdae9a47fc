using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>A counter that only grows. Concurrent increments add up.</summary>
/// <example>
/// <code>
/// var views = new GCounter();
/// views.Increment();
/// views.Increment(10); // views.Value is 11
/// </code>
/// </example>
public sealed class GCounter : Crdt
{
    /// <summary>Makes a counter of 0 that belongs to no entity.</summary>
    public GCounter()
        : base(Kind.GCounter)
    {
    }

    /// <summary>The sum of all increments.</summary>
    /// <exception cref="OverflowException">Concurrent increments have taken it beyond <see cref="ulong.MaxValue"/>.</exception>
    public ulong Value => (ulong)CounterRange.Unsigned.Read((Counter)Site.Content);

    /// <summary>Adds an amount; 0 changes nothing.</summary>
    /// <exception cref="OverflowException">The value would be beyond <see cref="ulong.MaxValue"/>.</exception>
    public void Increment(ulong amount = 1) =>
        Site.Change<Counter>((counter, stamp) => CounterRange.Unsigned.Add(counter, new(amount, 0), stamp));

    internal override void WriteJson(Utf8JsonWriter json) => json.WriteRawValue($"{((Counter)Site.Content).Value}");
}
