namespace CloudState.Knative;

/// <summary>What goes out with a reply beside its message.</summary>
public sealed class ReplyMetadata
{
    private List<KeyValuePair<string, string>>? _entries;

    internal ReplyMetadata()
    {
    }

    internal IReadOnlyList<KeyValuePair<string, string>>? Entries => _entries;

    /// <summary>Adds an entry; a name may occur more than once.</summary>
    /// <param name="name">Lower case letters, digits, '-', '_' and '.'; neither of gRPC's own (<c>grpc-…</c>) nor one that describes the body (<c>content-…</c>) nor binary (<c>…-bin</c>).</param>
    /// <param name="value">Printable ASCII characters.</param>
    /// <exception cref="ArgumentException">The name or the value is not as described.</exception>
    public void Add(string name, string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(value);
        if (!name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.')
            || name.StartsWith("grpc-", StringComparison.Ordinal) || name.StartsWith("content-", StringComparison.Ordinal) || name.EndsWith("-bin", StringComparison.Ordinal))
        {
            throw new ArgumentException($"'{name}' cannot be a name of reply metadata. Use lower case letters, digits, '-', '_' and '.', and no name that begins with grpc- or content- or ends with -bin.", nameof(name));
        }

        if (value.Any(c => c is < ' ' or > '~'))
        {
            throw new ArgumentException($"The value of '{name}' has characters that are not printable ASCII. Encode it, for example with Uri.EscapeDataString.", nameof(value));
        }

        (_entries ??= []).Add(new(name, value));
    }
}
