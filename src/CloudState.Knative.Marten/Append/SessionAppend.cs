using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Marten.Schema;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Marten;

namespace CloudState.Knative.Marten.Append;

/// <summary>Appends a batch through a Marten session, so that all that is configured for sessions takes part: inline projections, listeners, metadata and the like.</summary>
internal sealed class SessionAppend(
    DocumentStore store, string schema, CommandTable commands, OutboxTable outbox, TimerTable timers, OrderTable orders, MemberTables members, StoredTypes types, TimeSpan lease)
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

        // 2. The versions that Marten does not look at: of streams without new events, and of values, of which it knows only that they must grow.
        var unwatched = appends.Select(entry => entry.Append).Where(append => append.Events.Count == 0).ToLookup(append => append.Kind);
        foreach (var ofKind in unwatched)
        {
            session.QueueOperation(new VersionCheck(schema, ofKind.Key, [.. ofKind]));
        }

        // 3. Command records, what is to be delivered, timers, values, snapshots, and events with their expected versions.
        var batch = appends.Select(entry => entry.Append).ToArray();
        commands.Queue(session, batch);
        outbox.Queue(session, batch);
        timers.Queue(session, batch);
        orders.Queue(session, batch);
        foreach (var (stream, append) in appends)
        {
            if (append.DeletionVersion() is > 0 and var deletion)
            {
                session.QueueSqlCommand($"update {schema}.mt_events set is_archived = true where stream_id = ? and version < ? and not is_archived", stream, deletion);
                session.Delete<EntitySnapshot>(stream);
            }

            if (append.Snapshot is { } snapshot)
            {
                session.Store(new EntitySnapshot { Id = stream, Version = snapshot.Version, State = snapshot.State });
            }

            if (append.Value is { } value)
            {
                session.UpdateRevision(new EntityValue { Id = stream, Version = value.Version, State = value.State, ExpiresAt = value.ExpiresAt }, value.Version);
            }

            if (append.Events.Count > 0)
            {
                AppendEvents(session, stream, append);
            }
        }

        await session.SaveChangesAsync(cancellationToken);
    }

    private void AppendEvents(IDocumentSession session, string stream, EntityAppend append)
    {
        var appended = session.Events.Append(stream, append.NewVersion, append.Events.Select(newEvent => MartenEvents.Wrap(newEvent, types)));

        // The protobuf name says what an event is. By a CLR name Marten would load classes that the service does not handle, or fail on renamed ones.
        foreach (var newEvent in appended.Events)
        {
            newEvent.DotNetTypeName = "";
        }
    }
}
