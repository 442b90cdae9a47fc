namespace CloudState.Knative;

/// <summary>A caller's stream of replies, of which a handler gives one: the first, or one after a change of the entity.</summary>
public sealed class ReplyStream
{
    internal ReplyStream(bool isFirst) => IsFirst = isFirst;

    /// <summary>Whether this is the first reply. Only then the handler may change the entity and set timers.</summary>
    public bool IsFirst { get; }

    internal bool IsEnded { get; private set; }

    /// <summary>Makes the reply of this handler the last one. The handler of the end is not called then.</summary>
    public void End() => IsEnded = true;
}
