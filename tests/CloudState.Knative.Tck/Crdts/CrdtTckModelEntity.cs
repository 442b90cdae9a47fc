namespace CloudState.Knative.Tck.Crdts;

/// <summary>The state is a map with one entry: the id of the entity, which tells the type of the entry's value, as the keys of maps in it do.</summary>
[CrdtEntity<CrdtTckModel.CrdtTckModelBase>(EntityType)]
internal sealed class CrdtTckModelEntity : CrdtEntity<OrMap<string>>
{
    public const string EntityType = "crdt-tck-model";

    public Response Process(Request command, CommandContext context)
    {
        foreach (var action in command.Actions)
        {
            Perform(action, command.Id, context);
        }

        var response = new Response { State = TypedEntries.Read(State, command.Id) };
        if (command.Actions.Any(action => action.ActionCase == RequestAction.ActionOneofCase.Delete))
        {
            // A delete counts at the end of its command: the reply shows what is deleted.
            context.Delete();
        }

        return response;
    }

    public Response ProcessStreamed(StreamedRequest command, CommandContext context)
    {
        if (command.EndState is not null || command.CancelUpdate is not null || command.Effects.Count > 0 || command.InitialUpdate is not null || command.Empty)
        {
            context.Fail("The handler of a stream only answers: it has no end state, updates, effects or missing replies.");
        }

        return new Response { State = TypedEntries.Read(State, command.Id) };
    }

    private void Perform(RequestAction action, string id, CommandContext context)
    {
        switch (action.ActionCase)
        {
            case RequestAction.ActionOneofCase.Update:
                TypedEntries.Update(State, id, action.Update);
                break;
            case RequestAction.ActionOneofCase.Forward:
                context.ReplyFrom((CrdtTwo.CrdtTwoClient two) => two.CallAsync(new Request { Id = action.Forward.Id }));
                break;
            case RequestAction.ActionOneofCase.Effect:
                if (action.Effect.Synchronous)
                {
                    context.CallAndWait((CrdtTwo.CrdtTwoClient two) => two.CallAsync(new Request { Id = action.Effect.Id }));
                }
                else
                {
                    context.Call((CrdtTwo.CrdtTwoClient two) => two.CallAsync(new Request { Id = action.Effect.Id }));
                }
                break;
            case RequestAction.ActionOneofCase.Fail:
                context.Fail(action.Fail.Message);
                break;
        }
    }
}
