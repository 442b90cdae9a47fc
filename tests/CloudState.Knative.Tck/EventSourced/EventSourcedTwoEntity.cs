namespace CloudState.Knative.Tck.EventSourced;

[EventSourcedEntity<EventSourcedTwo.EventSourcedTwoBase>("event-sourced-tck-model-2")]
internal sealed class EventSourcedTwoEntity(CallLog calls) : EventSourcedEntity<Persisted>
{
    public Response Call(Request command)
    {
        calls.Record(command.Id);
        return new Response();
    }
}
