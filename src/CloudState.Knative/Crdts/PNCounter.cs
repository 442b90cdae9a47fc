using System.Text.Json;
using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;

namespace CloudState.Knative;

/// <summary>A counter that grows and shrinks. Concurrent increments and decrements add up.</summary>
/// <example>
/// <code>
/// var likes = new PNCounter();
/// likes.Increment(3);
/// likes.Decrement(); // likes.Value is 2
/// </code>
/// </example>
public sealed class PNCounter : Crdt
{
    /// <summary>Makes a counter of 0 that belongs to no entity.</summary>
    public PNCounter()
        : base(Kind.PNCounter)
    {
    }

    /// <summary>The sum of all increments, less that of all decrements.</summary>
    /// <exception cref="OverflowException">Concurrent changes have taken it beyond the range of a <see cref="long"/>.</exception>
    public long Value => (long)CounterRange.Signed.Read((Counter)Site.Content);

    /// <summary>Adds an amount; 0 changes nothing, and a negative amount is a decrement.</summary>
    /// <exception cref="OverflowException">
    /// The value would be beyond the range of a <see cref="long"/>, or what this process has added in total beyond that of a <see cref="ulong"/>.
    /// </exception>
    public void Increment(long amount = 1) => Add(Amount.Of(amount));

    /// <summary>Subtracts an amount; 0 changes nothing, and a negative amount is an increment.</summary>
    /// <exception cref="OverflowException">
    /// The value would be beyond the range of a <see cref="long"/>, or what this process has subtracted in total beyond that of a <see cref="ulong"/>.
    /// </exception>
    public void Decrement(long amount = 1)
    {
        var (plus, minus) = Amount.Of(amount);
        Add(new(minus, plus));
    }

    internal override void WriteJson(Utf8JsonWriter json) => json.WriteRawValue($"{((Counter)Site.Content).Value}");

    private void Add(Amount amount) => Site.Change<Counter>((counter, stamp) => CounterRange.Signed.Add(counter, amount, stamp));
}
