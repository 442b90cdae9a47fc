using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;

namespace CloudState.Knative.Dispatch;

/// <summary>An rpc that an action answers, in the process that the call comes to.</summary>
internal sealed class ActionRpc(ActionRegistration action, ActionMethod method, ActionRunner runner) : LocalRpc(method.Rpc)
{
    public override EntityKeyFields? Key => null;

    /// <summary>An action has no transaction that could keep its reply until it is published.</summary>
    public override string? PublishBeforeReply => method.OutTopic;

    public override ValueTask<CallOutcome> ExecuteAsync(object input, CallScope scope) => runner.RunAsync(action, method, input, scope);

    public override IAsyncEnumerable<CallOutcome> StreamAsync(object input, CallScope scope, CancellationToken cancellationToken) =>
        runner.StreamAsync(action, method, input, scope, cancellationToken);
}
