namespace CloudState.Knative.Storage;

/// <summary>How the store keeps the state of an entity.</summary>
internal enum StoredAs
{
    /// <summary>As its events, and now and then a snapshot of their fold.</summary>
    Events,

    /// <summary>As its latest value.</summary>
    Value,

    /// <summary>As what replicas have added to it.</summary>
    Replica,
}
