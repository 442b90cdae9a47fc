using CloudState.Knative.Topics;

namespace CloudState.Knative.Testing;

/// <summary>What a service under test publishes, in the order of arrival.</summary>
internal sealed class PublishedEvents
{
    private readonly Lock _gate = new();
    private IReadOnlyList<PublishedEvent> _events = [];
    private TaskCompletionSource _added = NewSignal();

    public IReadOnlyList<PublishedEvent> Snapshot => _events;

    public void Add(string topic, OutgoingEvent published)
    {
        TaskCompletionSource added;
        lock (_gate)
        {
            _events = [.. _events, new PublishedEvent(topic, published)];
            (added, _added) = (_added, NewSignal());
        }

        added.SetResult();
    }

    public async Task<IReadOnlyList<PublishedEvent>> UntilAsync(Func<IReadOnlyList<PublishedEvent>, bool> isEnough, CancellationToken cancellation)
    {
        while (true)
        {
            IReadOnlyList<PublishedEvent> events;
            Task added;
            lock (_gate)
            {
                (events, added) = (_events, _added.Task);
            }

            if (isEnough(events))
            {
                return events;
            }

            await added.WaitAsync(cancellation);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
