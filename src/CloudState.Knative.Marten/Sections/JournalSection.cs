using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The positions of events in their slots, for types that are consumed. Marten's table of events stays as it is.</summary>
internal sealed class JournalSection(string schema) : RowSection<(string Stream, string EntityType, JournalEntry Entry)>
{
    public const string Name = "cloudstate_journal";

    public const string Columns = "entity_type, slot, position, stream_id, version";

    public override IEnumerable<Table> Tables
    {
        get
        {
            var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
            table.AddColumn("entity_type", "varchar").AsPrimaryKey();
            table.AddColumn("slot", "integer").AsPrimaryKey();
            table.AddColumn("position", "bigint").AsPrimaryKey();
            table.AddColumn("stream_id", "varchar").NotNull();
            table.AddColumn("version", "bigint").NotNull();
            yield return table;
        }
    }

    public override string Sql(StatementText text) =>
        $"""
        journal as (
          insert into {schema}.{Name} ({Columns})
          select j.* from permitted, unnest({text.Next(5)}) as j({Columns}))
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        if (RowsOf(batch) is { Length: > 0 } rows)
        {
            session.QueueSqlCommand($"insert into {schema}.{Name} ({Columns}) select * from unnest(?, ?, ?, ?, ?)", ColumnsOf(rows));
        }
    }

    protected override (string Stream, string EntityType, JournalEntry Entry)[] RowsOf(IReadOnlyList<StreamAppend> batch)
    {
        List<(string Stream, string EntityType, JournalEntry Entry)>? rows = null;
        foreach (var (stream, append) in batch)
        {
            foreach (var entry in append.Journal)
            {
                (rows ??= []).Add((stream, append.Entity.Type, entry));
            }
        }

        return rows?.ToArray() ?? [];
    }

    protected override object[] ColumnsOf((string Stream, string EntityType, JournalEntry Entry)[] rows) =>
    [
        Array.ConvertAll(rows, row => row.EntityType),
        Array.ConvertAll(rows, row => row.Entry.SlotNumber),
        Array.ConvertAll(rows, row => row.Entry.Position),
        Array.ConvertAll(rows, row => row.Stream),
        Array.ConvertAll(rows, row => row.Entry.Version),
    ];
}
