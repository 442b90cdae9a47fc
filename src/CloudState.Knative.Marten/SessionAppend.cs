using CloudState.Knative.Storage;
using Marten;

namespace CloudState.Knative.Marten;

/// <summary>Appends a batch through a Marten session, so that all that is configured for sessions takes part: inline projections, listeners, metadata and the like.</summary>
internal sealed class SessionAppend(DocumentStore store, string schema, CommandTable commands, MemberTables members, TimeSpan lease)
{
    /// <summary>Writes all of the batch or nothing, in one transaction.</summary>
    /// <param name="appends">In the order of their keys.</param>
    /// <param name="memberId">Who owns the entities; null not to check.</param>
    /// <param name="cancellationToken">Cancels the append; the outcome is unknown then.</param>
    public async Task RunAsync(IReadOnlyList<(string Stream, EntityAppend Append)> appends, Guid? memberId, CancellationToken cancellationToken)
    {
        await using var session = store.LightweightSession();

        // 1. The fence: the first statement of the transaction.
        if (memberId is { } member)
        {
            session.QueueOperation(new MemberFence(members, member, lease));
        }

        // 2. The versions that Marten does not look at, because no event follows.
        var withoutEvents = appends.Select(entry => entry.Append).Where(append => append.Events.Count == 0).ToArray();
        if (withoutEvents.Length > 0)
        {
            session.QueueOperation(new StreamVersionCheck(schema, withoutEvents));
        }

        // 3. Command records, snapshots, and events with their expected versions.
        commands.Queue(session, [.. appends.Select(entry => entry.Append)]);
        foreach (var (stream, append) in appends)
        {
            if (append.Snapshot is { } snapshot)
            {
                session.Store(new EntitySnapshot { Id = stream, Version = snapshot.Version, State = snapshot.State });
            }

            if (append.Events.Count > 0)
            {
                AppendEvents(session, stream, append);
            }
        }

        await session.SaveChangesAsync(cancellationToken);
    }

    private static void AppendEvents(IDocumentSession session, string stream, EntityAppend append)
    {
        var appended = session.Events.Append(stream, append.ExpectedVersion + append.Events.Count, append.Events);

        // The protobuf name says what an event is. By a CLR name Marten would load classes that the service does not handle, or fail on renamed ones.
        foreach (var newEvent in appended.Events)
        {
            newEvent.DotNetTypeName = "";
        }
    }
}
