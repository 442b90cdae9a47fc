namespace CloudState.Knative.Calls;

/// <summary>The limits of calls, from <see cref="CloudStateOptions"/>.</summary>
internal sealed record CallLimits
{
    /// <summary>How long a call may take that has no deadline.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>How long a chain of forwards and effects may get.</summary>
    public required int MaxDepth { get; init; }

    /// <summary>In UTF-16 characters.</summary>
    public required int MaxKeyLength { get; init; }

    /// <summary>Of an id that a client gives, in UTF-16 characters.</summary>
    public required int MaxCommandIdLength { get; init; }

    /// <summary>How many command ids an entity remembers.</summary>
    public required int MaxCommandIds { get; init; }

    /// <summary>How long it remembers them.</summary>
    public required TimeSpan CommandIdRetention { get; init; }

    /// <summary>Whether callers see the text of unexpected exceptions.</summary>
    public required bool ShowsExceptions { get; init; }
}
