namespace CloudState.Knative.Tck.EventSourced;

[EventSourcedEntity<EventSourcedConfigured.EventSourcedConfiguredBase>(EntityType)]
internal sealed class EventSourcedConfiguredEntity : EventSourcedEntity<Persisted>
{
    public const string EntityType = "event-sourced-configured";

    public Response Call(Request command) => new();
}
