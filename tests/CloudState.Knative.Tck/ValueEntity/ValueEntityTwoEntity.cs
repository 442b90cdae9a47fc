namespace CloudState.Knative.Tck.ValueEntity;

[ValueEntity<ValueEntityTwo.ValueEntityTwoBase>("value-entity-tck-model-2")]
internal sealed class ValueEntityTwoEntity(CallLog calls) : ValueEntity<Persisted>
{
    public Response Call(Request command)
    {
        calls.Record(command.Id);
        return new Response();
    }
}
