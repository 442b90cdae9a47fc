using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>Deletes all but the latest command records of entities.</summary>
internal sealed class TrimSection(string schema) : AppendSection
{
    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        // The statement does not see the records that it inserts.
        var trimmed = TrimmedOf(batch, entry => Math.Max(entry.Append.KeepCommands!.Value - entry.Append.Commands.Count, 0));
        if (trimmed is null)
        {
            return false;
        }

        parameters.Add(trimmed.Value.Streams, NpgsqlDbType.Varchar);
        parameters.Add(trimmed.Value.Keep, NpgsqlDbType.Integer);
        return true;
    }

    public override string Sql(StatementText text) =>
        $"""
        trimmed as (
          delete from {schema}.{RecordSection.Name} c using permitted, unnest({text.Next(2)}) as t(stream, keep)
          where c.stream = t.stream and c.number <=
            (select o.number from {schema}.{RecordSection.Name} o where o.stream = t.stream order by o.number desc offset t.keep limit 1))
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        if (TrimmedOf(batch, entry => entry.Append.KeepCommands!.Value) is { } trimmed)
        {
            session.QueueSqlCommand(
                $"""
                delete from {schema}.{RecordSection.Name} c using unnest(?, ?) as k(stream, keep)
                where c.stream = k.stream and c.number <=
                  (select o.number from {schema}.{RecordSection.Name} o where o.stream = k.stream order by o.number desc offset k.keep limit 1)
                """,
                trimmed.Streams,
                trimmed.Keep);
        }
    }

    private static (string[] Streams, int[] Keep)? TrimmedOf(IReadOnlyList<StreamAppend> batch, Func<StreamAppend, int> keep)
    {
        List<StreamAppend>? trimmed = null;
        foreach (var entry in batch)
        {
            if (entry.Append.KeepCommands is not null)
            {
                (trimmed ??= []).Add(entry);
            }
        }

        return trimmed is null ? null : (trimmed.Select(entry => entry.Stream).ToArray(), trimmed.Select(keep).ToArray());
    }
}
