using System.Collections.Frozen;
using CloudState.Knative.Actions;
using CloudState.Knative.Entities;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Journal;

/// <summary>All consumers of events of entities of this service, as the option <c>(cloudstate.eventing).in.event_log</c> of rpcs says.</summary>
internal sealed class EventConsumers
{
    /// <exception cref="EntityDefinitionException">An option makes no sense.</exception>
    public EventConsumers(EntityDefinitions entities, ActionDefinitions actions)
    {
        var bound = entities.Commands.Select(pair => new EventRpc(pair.Command.Rpc, pair.Command.Key))
            .Concat(actions.Methods.Select(method => new EventRpc(method.Rpc, Key: null)))
            .Select(rpc => (Rpc: rpc, Source: rpc.Rpc.GetOptions()?.GetExtension(EventingExtensions.Eventing)?.In))
            .Where(binding => binding.Source?.SourceCase == EventSource.SourceOneofCase.EventLog)
            .ToArray();
        foreach (var (rpc, source) in bound)
        {
            Check(rpc, source!.EventLog, entities);
        }

        All = [.. bound.GroupBy(binding => (Group: GroupOf(binding.Rpc, binding.Source!), binding.Source!.EventLog)).Select(group => ToConsumer(group.Key.Group, group.Key.EventLog, [.. group.Select(binding => binding.Rpc)]))];
    }

    public IReadOnlyList<EventConsumer> All { get; }

    private static string GroupOf(EventRpc rpc, EventSource source) => source.ConsumerGroup.Length > 0 ? source.ConsumerGroup : rpc.Rpc.Service.FullName;

    private static EventConsumer ToConsumer(string group, string entityType, EventRpc[] rpcs)
    {
        if (rpcs.GroupBy(rpc => rpc.Rpc.InputType.FullName).FirstOrDefault(sameType => sameType.Count() > 1)?.ToArray() is [var first, var second, ..])
        {
            throw new EntityDefinitionException(
                $"{first.FullName} and {second.FullName} both take {first.Rpc.InputType.FullName} from the event log of '{entityType}'. Bind only one of them, or give them different consumer groups.");
        }

        var byType = rpcs.ToDictionary(rpc => rpc.Rpc.InputType.FullName);
        byType.Remove(Any.Descriptor.FullName, out var rest);
        return new EventConsumer(group, rpcs.All(rpc => rpc.Rpc.Service.FullName == group), entityType, byType.ToFrozenDictionary(), rest);
    }

    private static void Check(EventRpc rpc, string entityType, EntityDefinitions entities)
    {
        if (entityType.Length == 0)
        {
            throw new EntityDefinitionException($"{rpc.FullName} is bound to an event log (cloudstate.eventing.in) without a name. Give the entity type whose events it takes.");
        }

        var entity = entities.All.FirstOrDefault(entity => entity.EntityType == entityType) ?? throw new EntityDefinitionException(
            $"{rpc.FullName} takes the events of '{entityType}', which is no entity type of this service. There is: {string.Join(", ", entities.All.Select(known => known.EntityType).Order())}. " +
            "Events of other services come from topics.");
        if (rpc.Rpc.IsClientStreaming || rpc.Rpc.IsServerStreaming)
        {
            throw new EntityDefinitionException($"{rpc.FullName} takes the events of '{entityType}', but streams. Events are delivered one by one: bind a unary rpc.");
        }

        var input = rpc.Rpc.InputType;
        if (input != Any.Descriptor && input != EntityDeleted.Descriptor && entity.StoredTypes.All(stored => stored.Type != input.ClrType))
        {
            throw new EntityDefinitionException(
                $"{rpc.FullName} takes {input.FullName}, which '{entityType}' does not store. Take one of {string.Join(", ", entity.StoredTypes.Select(stored => stored.Type.FullName))}, or google.protobuf.Any.");
        }
    }
}
