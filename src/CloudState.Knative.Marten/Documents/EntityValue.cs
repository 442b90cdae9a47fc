namespace CloudState.Knative.Marten;

/// <summary>The Marten document that holds the value of a value entity.</summary>
public sealed class EntityValue
{
    internal const string Alias = "entityvalue";

    /// <summary>The key of the entity, <c>{entity type}/{entity id}</c>.</summary>
    public required string Id { get; init; }

    /// <summary>How often the entity was updated or deleted; the document's revision in Marten.</summary>
    public long Version { get; set; }

    /// <summary>The value, for example a protobuf message; in the database it is JSON beside the name of its type, <c>StateType</c>. Null once the entity was deleted.</summary>
    public object? State { get; init; }

    /// <summary>When the value is no more; null: never. Of a deleted entity: when it was deleted. The document is removed some time later.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
