using System.Collections.Frozen;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Journal;

/// <summary>Rpcs of one consumer group that take the events of one entity type, each of them its own type of event.</summary>
/// <param name="Group">The consumer group; by default the service of the rpcs.</param>
/// <param name="IsDefaultGroup">Whether it is that.</param>
/// <param name="EntityType">Whose events.</param>
/// <param name="ByType">The rpcs by the full names of their inputs.</param>
/// <param name="Rest">The rpc that takes everything else, as google.protobuf.Any; null when there is none.</param>
internal sealed record EventConsumer(string Group, bool IsDefaultGroup, string EntityType, FrozenDictionary<string, EventRpc> ByType, EventRpc? Rest)
{
    /// <summary>Where it starts if it is new.</summary>
    public JournalStart Start { get; init; }

    /// <summary>Null when the consumer does not take such events.</summary>
    public EventRpc? Find(string eventType) => ByType.GetValueOrDefault(eventType) ?? Rest;
}

/// <summary>An rpc that takes events.</summary>
/// <param name="Rpc">The rpc.</param>
/// <param name="Key">How the entity is found that it is for; null when an action answers it.</param>
internal record EventRpc(MethodDescriptor Rpc, EntityKeyFields? Key)
{
    /// <summary><c>package.Service/Method</c></summary>
    public string FullName { get; } = Rpc.FullRpcName();
}
