namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>What a handler is told to do, for event sourced and for value entities.</summary>
internal abstract record Step
{
    private Step()
    {
    }

    /// <summary>Emits an event, or updates the value.</summary>
    public sealed record Write(string Value) : Step;

    public sealed record Delete : Step;

    public sealed record Forward(string Id) : Step;

    public sealed record Effect(string Id, bool Synchronous = false) : Step;

    public sealed record Fail(string Message) : Step;
}
