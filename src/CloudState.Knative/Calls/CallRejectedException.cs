namespace CloudState.Knative.Calls;

/// <summary>Ends a handler that has rejected its call. The rejection itself is in the context, where no later exception can replace it.</summary>
internal sealed class CallRejectedException(string message) : Exception(message);
