using System.Collections.Frozen;
using CloudState.Knative.Actions;
using CloudState.Knative.Entities;
using CloudState.Knative.Remote;
using CloudState.Knative.Routing;

namespace CloudState.Knative.Dispatch;

/// <summary>Who answers an rpc. All edges ask this table, and so do effects, forwards and deliveries.</summary>
internal sealed class RpcTable
{
    private readonly FrozenDictionary<string, LocalRpc> _local;
    private readonly FrozenDictionary<string, LocalRpc>.AlternateLookup<ReadOnlySpan<char>> _localByText;
    private readonly RemoteServices _remote;

    /// <exception cref="EntityDefinitionException">Two classes implement one service.</exception>
    public RpcTable(EntityDefinitions entities, ActionDefinitions actions, RemoteServices remote, CommandRouter router, StateStreams streams, ActionRunner runner)
    {
        _remote = remote;
        EntityDefinitions.RejectDuplicates(
            entities.All.Select(entity => (Class: entity.EntityClass, Service: entity.Service.FullName))
                .Concat(actions.All.Select(action => (Class: action.Definition.ActionClass, Service: action.Definition.Service.FullName))),
            registered => registered.Class, registered => registered.Service, "the service");
        _local = entities.Commands.Select(found => (LocalRpc)new EntityRpc(found.Entity, found.Command, router, streams))
            .Concat(actions.Methods.Select(found => new ActionRpc(found.Action, found.Method, runner)))
            .ToFrozenDictionary(rpc => rpc.FullName);
        _localByText = _local.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The rpcs of this service.</summary>
    public IEnumerable<LocalRpc> Local => _local.Values;

    /// <param name="fullName"><c>package.Service/Method</c></param>
    public IRpcAnswerer? Find(string fullName) => FindLocal(fullName) ?? (IRpcAnswerer?)(_remote.Find(fullName) is { } service ? new RemoteRpc(service) : null);

    /// <inheritdoc cref="Find"/>
    public LocalRpc? FindLocal(ReadOnlySpan<char> fullName) => _localByText.TryGetValue(fullName, out var rpc) ? rpc : null;
}
