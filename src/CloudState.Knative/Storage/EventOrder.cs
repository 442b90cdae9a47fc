namespace CloudState.Knative.Storage;

/// <summary>The place of a command among those that come from one stream of events.</summary>
/// <param name="Stream">What the order is of: a source and a key.</param>
/// <param name="Sequence">The number within the stream; the first one is 1.</param>
internal sealed record EventOrder(string Stream, long Sequence)
{
    // The streams of event logs have none: that of a topic, whose name clients choose, can never be one of them.
    private const string TopicPrefix = "event/";

    /// <param name="stream">A source and a key, as clients send them.</param>
    /// <param name="sequence">The number within the stream.</param>
    public static EventOrder OfTopic(string stream, long sequence) => new(TopicPrefix + stream, sequence);

    /// <summary>The name that the stream has in earlier releases; null if it is the same.</summary>
    public string? FormerStream => Stream.StartsWith(TopicPrefix, StringComparison.Ordinal) ? Stream[TopicPrefix.Length..] : null;

    /// <summary>How long to wait for predecessors at most; null when the events come in order, and not all of them to the same entity: then those up to the last one are known to be repetitions.</summary>
    public TimeSpan? HoldBack { get; init; }

    /// <summary>When it need not be known any more how far the entity has come; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
