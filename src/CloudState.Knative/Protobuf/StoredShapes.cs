using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>The shapes of stored messages. They change when the process learns what other revisions have recorded.</summary>
/// <param name="messages">The messages that are stored; with them go all those in them.</param>
/// <param name="formerNames">What messages were called before.</param>
/// <param name="files">With the messages that an <c>Any</c> may hold.</param>
internal sealed class StoredShapes(
    IReadOnlyList<MessageDescriptor> messages, IReadOnlyList<FormerMessageName> formerNames, IReadOnlyList<FileDescriptor> files)
{
    private readonly Lazy<NameRecord> _own = new(() => NameRecord.Empty.With(messages, formerNames));
    private volatile MessageShapes? _current;

    /// <summary>Of the primitive types.</summary>
    public static StoredShapes OfNothing { get; } = new([], [], []);

    public MessageShapes Current => _current ??= new MessageShapes(files, _own.Value);

    /// <summary>Of a record with the names of this revision and no others: one with this hash need not be read.</summary>
    public long Hash => _own.Value.Hash;

    /// <summary>Learns the names that are recorded.</summary>
    /// <param name="recorded">The record; null if there is none yet, empty if it is that of the <see cref="Hash"/>.</param>
    /// <returns>The record that takes its place; null if it need not be changed.</returns>
    /// <exception cref="EntityDefinitionException">A field is no longer what it was under its number.</exception>
    public NameRecord? Learn(string? recorded)
    {
        if (recorded == "")
        {
            return null;
        }

        var known = recorded is null ? NameRecord.Empty : NameRecord.Parse(recorded);
        var merged = known.With(messages, formerNames);
        _current = new MessageShapes(files, merged);
        return recorded is null || merged.Hash != known.Hash ? merged : null;
    }
}

/// <summary>What a message was called before.</summary>
internal sealed record FormerMessageName(MessageDescriptor Message, string Name);
