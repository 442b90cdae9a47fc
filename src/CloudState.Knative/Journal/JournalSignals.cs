using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Diagnostics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>Tells those who read the journal that this process has stored events.</summary>
internal sealed class JournalSignals(IEnumerable<string> entityTypes)
{
    private readonly FrozenDictionary<string, JournalSignal> _byType = entityTypes.Distinct().ToFrozenDictionary(type => type, _ => new JournalSignal());

    /// <summary>Null when nobody reads the events of the type.</summary>
    public JournalSignal? Of(string entityType) => _byType.GetValueOrDefault(entityType);
}

/// <summary>Events of one entity type that this process has stored.</summary>
internal sealed class JournalSignal
{
    private const int MaxTraces = 4096;

    private readonly ConcurrentDictionary<(EntityId Origin, long Sequence), ActivityContext> _traces = new();
    private readonly ConcurrentQueue<(EntityId Origin, long Sequence)> _traced = new();

    /// <summary>Sent when events were stored.</summary>
    public Pulse Appends { get; } = new();

    /// <summary>Events were stored, in a trace.</summary>
    public void Send(EntityAppend append, ActivityContext trace)
    {
        for (var sequence = append.ExpectedVersion + 1; trace != default && sequence <= append.NewVersion; sequence++)
        {
            _traces[(append.Entity, sequence)] = trace;
            _traced.Enqueue((append.Entity, sequence));
        }

        while (_traced.Count > MaxTraces && _traced.TryDequeue(out var oldest))
        {
            _traces.TryRemove(oldest, out _);
        }

        Appends.Send();
    }

    /// <summary>The trace in which this process has stored an event not long ago; none when it has not.</summary>
    public ActivityContext TraceOf(JournalEvent logged) => _traces.GetValueOrDefault((logged.Origin, logged.Sequence));
}
