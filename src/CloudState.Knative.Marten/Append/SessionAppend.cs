using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Sections;
using Marten;

namespace CloudState.Knative.Marten.Append;

/// <summary>Appends a batch through a Marten session, so that everything that is configured for sessions takes part: inline projections, listeners, metadata and the like.</summary>
internal sealed class SessionAppend(DocumentStore store, MemberTables members, IReadOnlyList<AppendSection> sections, TimeSpan lease)
{
    /// <summary>Writes all of the batch or nothing, in one transaction.</summary>
    /// <param name="batch">In the order of the streams' names.</param>
    /// <param name="memberId">The owner of the entities; null to check none.</param>
    /// <param name="cancellationToken">Cancels the append; the outcome is unknown then.</param>
    /// <returns>Null: the time of the events is up to Marten.</returns>
    public async Task<DateTimeOffset?> RunAsync(IReadOnlyList<StreamAppend> batch, Guid? memberId, CancellationToken cancellationToken)
    {
        await using var session = store.LightweightSession();
        if (memberId is { } member)
        {
            // The first statement of the transaction.
            session.QueueOperation(new MemberFence(members, member, lease));
        }

        foreach (var section in sections)
        {
            section.Queue(session, batch);
        }

        await session.SaveChangesAsync(cancellationToken);
        return null;
    }
}
