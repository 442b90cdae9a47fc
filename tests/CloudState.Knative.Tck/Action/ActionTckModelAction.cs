namespace CloudState.Knative.Tck.Action;

[Action<ActionTckModel.ActionTckModelBase>]
internal sealed class ActionTckModelAction
{
    public Response ProcessUnary(Request request, ActionContext context) => Answer(StepsOf(request), context);

    public async Task<Response> ProcessStreamedIn(IAsyncEnumerable<Request> requests, ActionContext context) =>
        Answer(await requests.SelectMany(StepsOf).ToArrayAsync(), context);

    public IAsyncEnumerable<Response> ProcessStreamedOut(Request request, ActionContext context) =>
        request.Groups.ToAsyncEnumerable().Select(group => Answer(group.Steps, context));

    public IAsyncEnumerable<Response> ProcessStreamed(IAsyncEnumerable<Request> requests, ActionContext context) =>
        requests.SelectMany(request => request.Groups).Select(group => Answer(group.Steps, context));

    private static IEnumerable<ProcessStep> StepsOf(Request request) => request.Groups.SelectMany(group => group.Steps);

    /// <summary>All effects count; of the replies, forwards and failures the last one does. What is returned counts only when that was a reply.</summary>
    private static Response Answer(IEnumerable<ProcessStep> steps, ActionContext context)
    {
        ProcessStep? last = null;
        foreach (var step in steps)
        {
            if (step.StepCase == ProcessStep.StepOneofCase.Effect)
            {
                if (step.Effect.Synchronous)
                {
                    context.CallAndWait((ActionTwo.ActionTwoClient two) => two.CallAsync(new OtherRequest { Id = step.Effect.Id }));
                }
                else
                {
                    context.Call((ActionTwo.ActionTwoClient two) => two.CallAsync(new OtherRequest { Id = step.Effect.Id }));
                }
            }
            else
            {
                last = step;
            }
        }

        switch (last?.StepCase)
        {
            case ProcessStep.StepOneofCase.Forward:
                context.ReplyFrom((ActionTwo.ActionTwoClient two) => two.CallAsync(new OtherRequest { Id = last.Forward.Id }));
                break;
            case ProcessStep.StepOneofCase.Fail:
                context.Fail(last.Fail.Message);
                break;
        }

        return new Response { Message = last?.Reply?.Message ?? "" };
    }
}
