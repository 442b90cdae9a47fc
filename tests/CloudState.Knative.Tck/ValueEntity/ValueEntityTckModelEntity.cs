namespace CloudState.Knative.Tck.ValueEntity;

[ValueEntity<ValueEntityTckModel.ValueEntityTckModelBase>(EntityType)]
internal sealed class ValueEntityTckModelEntity : ValueEntity<Persisted>
{
    public const string EntityType = "value-entity-tck-model";

    public Response Process(Request command, CommandContext context)
    {
        foreach (var action in command.Actions)
        {
            Perform(action, context);
        }

        return new Response { Message = State.Value };
    }

    private void Perform(RequestAction action, CommandContext context)
    {
        switch (action.ActionCase)
        {
            case RequestAction.ActionOneofCase.Update:
                Update(new Persisted { Value = action.Update.Value });
                break;
            case RequestAction.ActionOneofCase.Delete:
                context.Delete();
                break;
            case RequestAction.ActionOneofCase.Forward:
                context.ReplyFrom((ValueEntityTwo.ValueEntityTwoClient two) => two.CallAsync(new Request { Id = action.Forward.Id }));
                break;
            case RequestAction.ActionOneofCase.Effect:
                if (action.Effect.Synchronous)
                {
                    context.CallAndWait((ValueEntityTwo.ValueEntityTwoClient two) => two.CallAsync(new Request { Id = action.Effect.Id }));
                }
                else
                {
                    context.Call((ValueEntityTwo.ValueEntityTwoClient two) => two.CallAsync(new Request { Id = action.Effect.Id }));
                }
                break;
            case RequestAction.ActionOneofCase.Fail:
                context.Fail(action.Fail.Message);
                break;
        }
    }
}
