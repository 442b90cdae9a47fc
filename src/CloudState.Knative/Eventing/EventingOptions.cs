namespace CloudState.Knative.Eventing;

/// <summary>How events are read from the journal and published.</summary>
public sealed class EventingOptions
{
    /// <summary>What the service is called in the sources of its events, <c>/{service}/{entity type}</c>.</summary>
    /// <value>Default: the name of the Knative service (<c>K_SERVICE</c>), elsewhere that of the application.</value>
    public string? ServiceName { get; set; }

    /// <summary>How long one attempt to publish an event may take.</summary>
    /// <value>Default: 10 seconds.</value>
    public TimeSpan PublishTimeout { get; set; } = TimeSpan.FromSeconds(10);
}
