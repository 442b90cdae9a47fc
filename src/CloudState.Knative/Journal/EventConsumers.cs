using System.Collections.Frozen;
using System.Globalization;
using CloudState.Knative.Entities;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Journal;

/// <summary>All consumers of events of entities of this service, as the option <c>(cloudstate.eventing).in.event_log</c> of rpcs says.</summary>
internal sealed class EventConsumers
{
    /// <exception cref="EntityDefinitionException">An option makes no sense.</exception>
    public EventConsumers(EntityDefinitions entities, IEnumerable<EventRpc> rpcs)
    {
        var bound = rpcs
            .Select(rpc => (Rpc: rpc, Source: rpc.Rpc.GetOptions()?.GetExtension(EventingExtensions.Eventing)?.In))
            .Where(binding => binding.Source?.SourceCase == EventSource.SourceOneofCase.EventLog)
            .ToArray();
        foreach (var (rpc, source) in bound)
        {
            Check(rpc, source!.EventLog, entities);
        }

        All = [.. bound.GroupBy(binding => (Group: GroupOf(binding.Rpc, binding.Source!), binding.Source!.EventLog)).Select(group => ToConsumer(group.Key.Group, group.Key.EventLog, StartOf([.. group.Select(binding => (binding.Rpc, binding.Source!))]), [.. group.Select(binding => binding.Rpc)]))];
    }

    public IReadOnlyList<EventConsumer> All { get; }

    private static string GroupOf(EventRpc rpc, EventSource source) => source.ConsumerGroup.Length > 0 ? source.ConsumerGroup : rpc.Rpc.Service.FullName;

    /// <summary>The start of a group, on which all of its rpcs have to agree.</summary>
    private static JournalStart StartOf((EventRpc Rpc, EventSource Source)[] bindings)
    {
        var starts = Array.ConvertAll(bindings, binding => (binding.Rpc, Start: StartOf(binding.Rpc, binding.Source)));
        return Array.Find(starts, other => other.Start != starts[0].Start).Rpc is { } different
            ? throw new EntityDefinitionException($"{starts[0].Rpc.FullName} and {different.FullName} are of one consumer group and start in different places. Give them the same start.")
            : starts[0].Start;
    }

    private static JournalStart StartOf(EventRpc rpc, EventSource source)
    {
        if (source.StartAt.Length == 0)
        {
            return new JournalStart(IsAtEnd: source.Start == EventStart.End);
        }

        return source.Start != EventStart.End
            && DateTimeOffset.TryParse(source.StartAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
            ? new JournalStart(at)
            : throw new EntityDefinitionException(
                $"{rpc.FullName} starts at '{source.StartAt}' (cloudstate.eventing.in.start_at). Give a time such as 2026-01-31T12:00:00Z, and no other start.");
    }

    private static EventConsumer ToConsumer(string group, string entityType, JournalStart start, EventRpc[] rpcs)
    {
        if (rpcs.GroupBy(rpc => rpc.Rpc.InputType.FullName).FirstOrDefault(sameType => sameType.Count() > 1)?.ToArray() is [var first, var second, ..])
        {
            throw new EntityDefinitionException(
                $"{first.FullName} and {second.FullName} both take {first.Rpc.InputType.FullName} from the event log of '{entityType}'. Bind only one of them, or give them different consumer groups.");
        }

        var byType = rpcs.ToDictionary(rpc => rpc.Rpc.InputType.FullName);
        byType.Remove(Any.Descriptor.FullName, out var rest);
        return new EventConsumer(group, rpcs.All(rpc => rpc.Rpc.Service.FullName == group), entityType, byType.ToFrozenDictionary(), rest)
        {
            Start = start,
        };
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
        if (input != Any.Descriptor && input != EntityDeleted.Descriptor && entity.Model.StoredTypes.All(stored => stored.Type != input.ClrType))
        {
            throw new EntityDefinitionException(
                $"{rpc.FullName} takes {input.FullName}, which '{entityType}' does not store. Take one of {string.Join(", ", entity.Model.StoredTypes.Select(stored => stored.Type.FullName))}, or google.protobuf.Any.");
        }
    }
}
