namespace CloudState.Knative.Faults.Events;

/// <summary>The events of one phase of a run, in the order in which a broker that duplicates and reorders delivers them.</summary>
/// <param name="topic">Where they go.</param>
/// <param name="phase">What the keys begin with.</param>
/// <param name="count">How many different events there are.</param>
/// <param name="keyCount">How many keys they are for, in turn.</param>
internal sealed class Source(string topic, string phase, int count, int keyCount)
{
    /// <summary>How many events of the same key overtake one at most, beside those that do by chance.</summary>
    public const int LongestDelay = 5;

    public int Count => count;

    /// <summary>How many events each key has.</summary>
    public IEnumerable<(string Key, int Count)> Keys =>
        Enumerable.Range(0, Math.Min(count, keyCount)).Select(key => (KeyOf(key), ((count - key - 1) / keyCount) + 1));

    public IEnumerable<Shipment> InOrder() => Enumerable.Range(0, count).Select(At);

    public IEnumerable<Shipment> Disordered(double duplicates, double reorder, Random random)
    {
        var order = new PriorityQueue<int, double>();
        for (var i = 0; i < count; i++)
        {
            order.Enqueue(i, random.NextDouble() < reorder ? Later(i) : i);
            if (random.NextDouble() < duplicates)
            {
                order.Enqueue(i, Later(i));
            }
        }

        while (order.TryDequeue(out var next, out _))
        {
            yield return At(next);
        }

        double Later(int i) => i + (random.NextDouble() * LongestDelay * keyCount);
    }

    private Shipment At(int i) => Shipment.Of(topic, KeyOf(i % keyCount), (i / keyCount) + 1);

    private string KeyOf(int key) => $"{phase}-{key}";
}
