namespace CloudState.Knative.Faults.Load;

internal enum AnswerKind
{
    Success,

    /// <summary>No connection could be made: nothing was executed.</summary>
    Refused,

    /// <summary>No answer, or one that says "try again": executed or not, nobody knows.</summary>
    Retriable,

    /// <summary>An answer that no correct service gives.</summary>
    Unexpected,
}

/// <summary>What came back from one attempt.</summary>
internal sealed record Answer(AnswerKind Kind, string Text, IReadOnlyList<int> Items)
{
    public static Answer Success(IReadOnlyList<int> items) => new(AnswerKind.Success, "ok", items);

    public static Answer Refused { get; } = new(AnswerKind.Refused, "refused", []);

    /// <summary>A connection that could not be made has carried nothing; on one that broke, nobody knows.</summary>
    public static Answer Of(HttpRequestException failed) =>
        failed.HttpRequestError == HttpRequestError.ConnectionError ? Refused : Retriable($"broken connection ({failed.HttpRequestError})");

    public static Answer Retriable(string text) => new(AnswerKind.Retriable, text, []);

    public static Answer Unexpected(string text) => new(AnswerKind.Unexpected, text, []);
}
