using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Checking;

/// <summary>Compares what PostgreSQL has with what was acknowledged.</summary>
internal static class StreamComparison
{
    /// <summary>
    /// Every acknowledged write is there once; nothing is there twice, or was never written; versions have no gaps. Writes of which
    /// nobody knows may be there or not.
    /// </summary>
    public static IEnumerable<string> Differences(IReadOnlyList<Operation> operations, IReadOnlyList<StoredCloudEvent> events)
    {
        var writes = operations.Where(operation => operation.Kind == OperationKind.Write).ToDictionary(write => CartItems.NameOf(write.Item));
        var stored = new Dictionary<string, long>();
        for (var i = 0; i < events.Count; i++)
        {
            var (version, item) = events[i];
            if (version != i + 1)
            {
                yield return $"the stream has version {version} where {i + 1} should be";
            }

            if (!stored.TryAdd(item, version))
            {
                yield return $"{item} took effect twice: the stream has it at version {stored[item]} and at version {version}";
            }

            if (!writes.TryGetValue(item, out var write))
            {
                yield return $"the stream has '{item}' at version {version}, which nobody has written";
            }
            else if (write.Outcome == Outcome.Failed)
            {
                yield return $"{item} is in the stream, though no pod has received it";
            }
        }

        foreach (var (item, write) in writes)
        {
            if (write.Outcome == Outcome.Ok && !stored.ContainsKey(item))
            {
                yield return $"{item} was acknowledged ({write.Attempts}), but is not in the stream: lost";
            }
        }
    }
}
