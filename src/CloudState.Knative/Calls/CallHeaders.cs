namespace CloudState.Knative.Calls;

/// <summary>The names of metadata that the library gives a meaning to.</summary>
internal static class CallHeaders
{
    /// <summary>The id under which a call takes effect once.</summary>
    public const string CommandId = "idempotency-key";

    /// <summary>The place in the journal that a command led to.</summary>
    public const string Position = "cloudstate-position";
}
