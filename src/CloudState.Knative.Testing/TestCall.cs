namespace CloudState.Knative.Testing;

/// <summary>What comes with a call beside its message.</summary>
public sealed class TestCall
{
    internal static TestCall Plain { get; } = new();

    /// <summary>What the handler sees as <see cref="CallContext.CommandId"/>.</summary>
    /// <value>Default: null, no id.</value>
    public string? CommandId { get; init; }

    /// <summary>What the handler sees as <see cref="CallContext.Metadata"/>; a name may occur more than once.</summary>
    /// <value>Default: empty.</value>
    public IList<KeyValuePair<string, string>> Metadata { get; } = [];

    /// <summary>What the handler sees as <see cref="CallContext.CancellationToken"/>. The test kits set no time limit.</summary>
    /// <value>Default: never cancelled.</value>
    public CancellationToken CancellationToken { get; init; }

    internal CallMetadata ToMetadata() => Metadata.Count == 0 ? CallMetadata.Empty : new([.. Metadata]);
}
