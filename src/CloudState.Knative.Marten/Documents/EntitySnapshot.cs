namespace CloudState.Knative.Marten;

/// <summary>The Marten document that holds an entity's state as of one of its events; only the latest is kept.</summary>
public sealed class EntitySnapshot
{
    internal const string Alias = "entitysnapshot";

    /// <summary>The key of the entity's event stream, <c>{entity type}/{entity id}</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The sequence number of the last event that the state contains.</summary>
    public required long Version { get; init; }

    /// <summary>The state, for example a protobuf message; in the database it is JSON beside the name of its type, <c>StateType</c>.</summary>
    public required object State { get; init; }
}
