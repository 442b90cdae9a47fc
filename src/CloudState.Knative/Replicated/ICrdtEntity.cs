namespace CloudState.Knative.Replicated;

/// <summary>The state of an entity, of whatever type it is.</summary>
internal interface ICrdtEntity
{
    Crdt State { get; }
}
