namespace CloudState.Knative.Tck.Action;

[Action<ActionTwo.ActionTwoBase>]
internal sealed class ActionTwoAction(CallLog calls)
{
    public Response Call(OtherRequest request, ActionContext context)
    {
        calls.Record(request.Id);
        return new Response();
    }
}
