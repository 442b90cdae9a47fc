using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using Google.Protobuf;

namespace CloudState.Knative.Dispatch;

/// <summary>An rpc that an entity answers, wherever its owner is.</summary>
internal sealed class EntityRpc(EntityDefinition entity, CommandDefinition command, CommandRouter router, StateStreams streams) : LocalRpc(command.Rpc)
{
    public override EntityKeyFields Key => command.Key;

    public override LocalRpc? StreamEnd { get; } = command.StreamEnd is { } end ? new EntityRpc(entity, end, router, streams) : null;

    public override ValueTask<CallOutcome> ExecuteAsync(object input, CallScope scope) => router.ExecuteAsync(ToCommand(input, scope));

    public override IAsyncEnumerable<CallOutcome> StreamAsync(object input, CallScope scope, CancellationToken cancellationToken) => streams.ReadAsync(ToCommand(input, scope));

    private Command ToCommand(object input, CallScope scope) => Command.Create(entity, command, (IMessage)input, scope);
}
