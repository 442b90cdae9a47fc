namespace CloudState.Knative.Tck.Crdts;

[CrdtEntity<CrdtTwo.CrdtTwoBase>(EntityType)]
internal sealed class CrdtTwoEntity(CallLog calls) : CrdtEntity<GCounter>
{
    public const string EntityType = "crdt-tck-model-2";

    public Response Call(Request command, CommandContext context)
    {
        calls.Record(command.Id);
        if (command.Actions.Any(action => action.ActionCase == RequestAction.ActionOneofCase.Delete))
        {
            context.Delete();
        }

        return new Response();
    }
}
