using CloudState.Knative.Storage;
using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The deletion of entities that are stored as their events: the events before it are archived, the snapshot is removed.</summary>
internal sealed class DeletionSection(string schema) : AppendSection
{
    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        var deleted = DeletedOf(batch);
        if (deleted.Length == 0)
        {
            return false;
        }

        parameters.Add(Array.ConvertAll(deleted, entry => entry.Stream), NpgsqlDbType.Varchar);
        parameters.Add(Array.ConvertAll(deleted, entry => entry.Version), NpgsqlDbType.Bigint);
        parameters.Add(Array.ConvertAll(deleted, entry => entry.IsWithoutSnapshot), NpgsqlDbType.Boolean);
        return true;
    }

    public override string Sql(StatementText text) =>
        $"""
        deleted as (select * from unnest({text.Next(3)}) as d(stream, version, without_snapshot)),
        archived as (
          update {schema}.mt_events e set is_archived = true from permitted, deleted d
          where e.stream_id = d.stream and e.version < d.version and not e.is_archived),
        unsnapshot as (
          delete from {schema}.mt_doc_{EntitySnapshot.Alias} s using permitted, deleted d where s.id = d.stream and d.without_snapshot)
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        foreach (var (stream, version, _) in DeletedOf(batch))
        {
            session.QueueSqlCommand($"update {schema}.mt_events set is_archived = true where stream_id = ? and version < ? and not is_archived", stream, version);
            session.Delete<EntitySnapshot>(stream);
        }
    }

    private static (string Stream, long Version, bool IsWithoutSnapshot)[] DeletedOf(IReadOnlyList<StreamAppend> batch)
    {
        List<(string Stream, long Version, bool IsWithoutSnapshot)>? deleted = null;
        foreach (var (stream, append) in batch)
        {
            if (append.State is EventsChange change && change.DeletionVersion() is > 0 and var version)
            {
                (deleted ??= []).Add((stream, version, change.Snapshot is null));
            }
        }

        return deleted?.ToArray() ?? [];
    }
}
