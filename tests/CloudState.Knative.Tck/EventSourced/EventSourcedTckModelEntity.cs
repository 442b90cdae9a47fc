namespace CloudState.Knative.Tck.EventSourced;

[EventSourcedEntity<EventSourcedTckModel.EventSourcedTckModelBase>(EntityType, SnapshotEvery = 5)]
internal sealed class EventSourcedTckModelEntity : EventSourcedEntity<Persisted>
{
    public const string EntityType = "event-sourced-tck-model";

    public Response Process(Request command, CommandContext context)
    {
        foreach (var action in command.Actions)
        {
            Perform(action, context);
        }

        return new Response { Message = State.Value };
    }

    public void Apply(Persisted @event) => State.Value += @event.Value;

    private static void Perform(RequestAction action, CommandContext context)
    {
        switch (action.ActionCase)
        {
            case RequestAction.ActionOneofCase.Emit:
                context.Emit(new Persisted { Value = action.Emit.Value });
                break;
            case RequestAction.ActionOneofCase.Forward:
                context.ReplyFrom((EventSourcedTwo.EventSourcedTwoClient two) => two.CallAsync(new Request { Id = action.Forward.Id }));
                break;
            case RequestAction.ActionOneofCase.Effect:
                if (action.Effect.Synchronous)
                {
                    context.CallAndWait((EventSourcedTwo.EventSourcedTwoClient two) => two.CallAsync(new Request { Id = action.Effect.Id }));
                }
                else
                {
                    context.Call((EventSourcedTwo.EventSourcedTwoClient two) => two.CallAsync(new Request { Id = action.Effect.Id }));
                }
                break;
            case RequestAction.ActionOneofCase.Fail:
                context.Fail(action.Fail.Message);
                break;
        }
    }
}
