namespace CloudState.Knative.Calls;

/// <summary>Which rpcs handlers can call.</summary>
/// <param name="find">Whether there is an rpc of a full name, <c>package.Service/Method</c>.</param>
internal sealed class CallTargets(Func<string, bool> find)
{
    /// <summary>Every rpc.</summary>
    public static CallTargets All { get; } = new(_ => true);

    /// <exception cref="InvalidOperationException">There is no such rpc.</exception>
    public OutgoingCall Check(OutgoingCall call) => find(call.Method)
        ? call
        : throw new InvalidOperationException(
            $"This service cannot call {call.Method}. Register the class that implements it with AddEntity or AddAction, or another service with AddServiceClient.");
}
