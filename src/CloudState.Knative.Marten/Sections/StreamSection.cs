using CloudState.Knative.Storage;
using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The versions of entities that are stored as their events: each has to be where it is expected, also if it gets no events.</summary>
internal sealed class StreamSection(string schema) : AppendSection
{
    public override string Expected => "(select count(*) from expected)";

    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        var count = 0;
        foreach (var (_, append) in batch)
        {
            count += append.State is EventsChange ? 1 : 0;
        }

        if (count == 0)
        {
            return false;
        }

        var (streams, versions, nextVersions, next) = (new string[count], new long[count], new long[count], 0);
        foreach (var (stream, append) in batch)
        {
            if (append.State is EventsChange change)
            {
                (streams[next], versions[next], nextVersions[next++]) = (stream, change.ExpectedVersion, change.NewVersion);
            }
        }

        parameters.Add(streams, NpgsqlDbType.Varchar);
        parameters.Add(versions, NpgsqlDbType.Bigint);
        parameters.Add(nextVersions, NpgsqlDbType.Bigint);
        return true;
    }

    public override string Sql(StatementText text) => $"expected as (select * from unnest({text.Next(3)}) as e(stream, version, next_version))";

    /// <summary>Those without events; the others are counted where they move on.</summary>
    public override string Found(StatementText text) =>
        $"""
        (select count(*) from expected e left join {schema}.mt_streams s on s.id = e.stream
          where e.next_version = e.version and coalesce(s.version, 0) = e.version and s.is_archived is not true)
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        // Marten checks the versions of those with events.
        EntityAppend[] unwatched = [.. batch.Where(entry => entry.Append.State is EventsChange { Events.Count: 0 }).Select(entry => entry.Append)];
        if (unwatched.Length > 0)
        {
            session.QueueOperation(new VersionCheck($"{schema}.mt_streams", "version", unwatched));
        }
    }
}
