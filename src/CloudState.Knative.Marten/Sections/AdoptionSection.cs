using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>
/// Events that plain Marten code has appended to streams of entities. Marten writes the name of a CLR type beside them, this library never does: without it an event counts as
/// numbered.
/// </summary>
internal sealed class AdoptionSection(string schema) : AppendSection
{
    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        if (AdoptedOf(batch) is not { Count: > 0 } adopted)
        {
            return false;
        }

        parameters.Add(adopted.Select(entry => entry.Stream).ToArray(), NpgsqlDbType.Varchar);
        parameters.Add(adopted.Select(entry => entry.Version).ToArray(), NpgsqlDbType.Bigint);
        return true;
    }

    public override string Sql(StatementText text) =>
        $"""
        adopted as (
          update {schema}.mt_events e set mt_dotnet_type = '' from permitted, unnest({text.Next(2)}) as a(stream, version)
          where e.stream_id = a.stream and e.version = a.version)
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        foreach (var (stream, version) in AdoptedOf(batch))
        {
            session.QueueSqlCommand($"update {schema}.mt_events set mt_dotnet_type = '' where stream_id = ? and version = ?", stream, version);
        }
    }

    private static List<(string Stream, long Version)> AdoptedOf(IReadOnlyList<StreamAppend> batch)
    {
        List<(string Stream, long Version)>? adopted = null;
        foreach (var (stream, append) in batch)
        {
            foreach (var version in append.Adopted)
            {
                (adopted ??= []).Add((stream, version));
            }
        }

        return adopted ?? [];
    }
}
