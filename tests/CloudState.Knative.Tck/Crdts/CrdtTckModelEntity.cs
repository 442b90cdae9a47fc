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

    public Response? ProcessStreamed(StreamedRequest command, CommandContext context)
    {
        if (context.Stream.IsFirst)
        {
            Update(command.InitialUpdate, command.Id);
        }
        else
        {
            foreach (var effect in command.Effects)
            {
                Perform(effect, context);
            }
        }

        var state = TypedEntries.Read(State, command.Id);
        if (state.Equals(command.EndState))
        {
            context.Stream.End();
        }

        return command.Empty ? null : new Response { State = state };
    }

    public void ProcessStreamedEnded(StreamedRequest command) => Update(command.CancelUpdate, command.Id);

    private void Update(Update? update, string id)
    {
        if (update is not null)
        {
            Level = (CrdtLevel)update.WriteConsistency;
            TypedEntries.Update(State, id, update);
        }
    }

    private static void Perform(Effect effect, CommandContext context)
    {
        if (effect.Synchronous)
        {
            context.CallAndWait((CrdtTwo.CrdtTwoClient two) => two.CallAsync(new Request { Id = effect.Id }));
        }
        else
        {
            context.Call((CrdtTwo.CrdtTwoClient two) => two.CallAsync(new Request { Id = effect.Id }));
        }
    }

    private void Perform(RequestAction action, string id, CommandContext context)
    {
        switch (action.ActionCase)
        {
            case RequestAction.ActionOneofCase.Update:
                Update(action.Update, id);
                break;
            case RequestAction.ActionOneofCase.Forward:
                context.ReplyFrom((CrdtTwo.CrdtTwoClient two) => two.CallAsync(new Request { Id = action.Forward.Id }));
                break;
            case RequestAction.ActionOneofCase.Effect:
                Perform(action.Effect, context);
                break;
            case RequestAction.ActionOneofCase.Fail:
                context.Fail(action.Fail.Message);
                break;
        }
    }
}
