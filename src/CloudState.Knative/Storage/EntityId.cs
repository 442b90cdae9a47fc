namespace CloudState.Knative.Storage;

/// <summary>Names one entity among all of a service: its type and its id. Its text form is also the identity of its event stream.</summary>
internal readonly record struct EntityId(string Type, string Key)
{
    /// <summary><c>{entity type}/{entity id}</c>. Entity types hold no slash, so that the text is unambiguous.</summary>
    public override string ToString() => $"{Type}/{Key}";
}
