using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>What commands have requested to be delivered, until it is.</summary>
internal sealed class OutboxSection(string schema) : RowSection<OutboxEntry>
{
    public const string Name = "cloudstate_outbox";

    private const string Columns = "id, entity_type, entity_id, slot, method, call";

    public override IEnumerable<Table> Tables
    {
        get
        {
            var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
            table.AddColumn("id", "uuid").AsPrimaryKey();
            table.AddColumn("number", "bigint").NotNull().BigAutoIncrement();
            table.AddColumn("entity_type", "varchar").NotNull();
            table.AddColumn("entity_id", "varchar").NotNull();
            table.AddColumn("slot", "integer").NotNull();
            table.AddColumn("method", "varchar").NotNull();
            table.AddColumn("call", "bytea").NotNull();
            table.Indexes.Add(new IndexDefinition($"{Name}_slot") { Columns = ["entity_type", "slot", "number"] });
            yield return table;
        }
    }

    public override string Sql(StatementText text) =>
        $"""
        outbox as (
          insert into {schema}.{Name} ({Columns})
          select o.* from permitted, unnest({text.Next(6)}) as o({Columns}))
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        if (RowsOf(batch) is { Length: > 0 } rows)
        {
            session.QueueSqlCommand(
                $"""
                insert into {schema}.{Name} ({Columns})
                select {Columns} from unnest(?, ?, ?, ?, ?, ?) with ordinality as o({Columns}, position) order by position
                """,
                ColumnsOf(rows));
        }
    }

    protected override OutboxEntry[] RowsOf(IReadOnlyList<StreamAppend> batch) => Select(batch, append => append.Outbox);

    protected override object[] ColumnsOf(OutboxEntry[] rows) =>
    [
        Array.ConvertAll(rows, entry => entry.Id),
        Array.ConvertAll(rows, entry => entry.Origin.Type),
        Array.ConvertAll(rows, entry => entry.Origin.Key),
        Array.ConvertAll(rows, entry => entry.SlotNumber),
        Array.ConvertAll(rows, entry => entry.Method),
        Array.ConvertAll(rows, entry => entry.Content.ToByteArray()),
    ];
}
