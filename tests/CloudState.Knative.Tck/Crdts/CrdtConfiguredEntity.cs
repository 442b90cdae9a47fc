namespace CloudState.Knative.Tck.Crdts;

[CrdtEntity<CrdtConfigured.CrdtConfiguredBase>(EntityType)]
internal sealed class CrdtConfiguredEntity : CrdtEntity<GCounter>
{
    public const string EntityType = "crdt-configured";

    public Response Call(Request command) => new();
}
