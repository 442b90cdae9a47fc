using System.Collections;
using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Calls;
using Grpc.Core;

namespace CloudState.Knative;

/// <summary>What came with a command beside its message: gRPC metadata, HTTP headers or CloudEvent attributes (as <c>ce-</c> headers, in every mode; <see cref="CloudEvent"/> decodes them). Names ignore case.</summary>
public sealed class CallMetadata : IReadOnlyCollection<KeyValuePair<string, string>>
{
    /// <summary>No metadata.</summary>
    public static CallMetadata Empty { get; } = new([]);

    private readonly Func<IReadOnlyList<KeyValuePair<string, string>>>? _make;

    internal CallMetadata(IReadOnlyList<KeyValuePair<string, string>> entries) => Entries = entries;

    /// <param name="make">Makes the entries when they are first looked at.</param>
    internal CallMetadata(Func<IReadOnlyList<KeyValuePair<string, string>>> make) => _make = make;

    private IReadOnlyList<KeyValuePair<string, string>> Entries
    {
        get
        {
            WasRead = true;
            return field ??= _make!();
        }
    }

    /// <summary>Whether anybody has looked.</summary>
    internal bool WasRead { get; private set; }

    /// <summary>Something else was looked at that tells who asks.</summary>
    internal void MarkRead() => WasRead = true;

    /// <summary>How many entries there are; a name may occur more than once.</summary>
    public int Count => Entries.Count;

    /// <summary>The first value of a name, or null.</summary>
    public string? this[string name] => TryGetValue(name, out var value) ? value : null;

    /// <summary>The attributes of the CloudEvent that the command came with; null when it came without id, source or type of one.</summary>
    public CloudEventMetadata? CloudEvent => CloudEventMetadata.Of(this);

    /// <summary>Finds the first value of a name.</summary>
    public bool TryGetValue(string name, [NotNullWhen(true)] out string? value)
    {
        foreach (var entry in Entries)
        {
            if (entry.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                value = entry.Value;
                return true;
            }
        }

        value = null;
        return false;
    }

    /// <summary>The headers of a call that a generated client makes; binary ones do not go along.</summary>
    internal static CallMetadata Of(Metadata? headers) => headers is { Count: > 0 }
        ? new([.. headers.Where(entry => !entry.IsBinary).Select(entry => KeyValuePair.Create(entry.Key, entry.Value))])
        : Empty;

    internal CallMetadata FollowedBy(CallMetadata more) =>
        more.Count == 0 ? this : Count == 0 ? more : new([.. Entries, .. more.Entries]);

    /// <summary>The same, at which nobody has looked.</summary>
    internal CallMetadata Unread() => new(() => Entries);

    /// <summary>Without the id of the call that it came with, which is no other call's.</summary>
    internal CallMetadata WithoutCommandId() =>
        this[CallHeaders.CommandId] is null ? this : new([.. Entries.Where(entry => !entry.Key.Equals(CallHeaders.CommandId, StringComparison.OrdinalIgnoreCase))]);

    /// <summary>All entries in the order of arrival.</summary>
    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => Entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
