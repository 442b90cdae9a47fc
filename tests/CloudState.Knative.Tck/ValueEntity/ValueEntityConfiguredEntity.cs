namespace CloudState.Knative.Tck.ValueEntity;

[ValueEntity<ValueEntityConfigured.ValueEntityConfiguredBase>(EntityType)]
internal sealed class ValueEntityConfiguredEntity : ValueEntity<Persisted>
{
    public const string EntityType = "value-entity-configured";

    public Response Call(Request command) => new();
}
