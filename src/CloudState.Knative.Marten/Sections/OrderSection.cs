using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>How far entities have come in streams of events.</summary>
internal sealed class OrderSection(string schema) : RowSection<(EntityId Entity, EventOrder Order)>
{
    public const string Name = "cloudstate_orders";

    private const string Columns = "entity_type, entity_id, stream, sequence, expires_at";

    private const string Replacement = "(entity_type, entity_id, stream) do update set sequence = excluded.sequence, expires_at = excluded.expires_at";

    public override IEnumerable<Table> Tables
    {
        get
        {
            var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
            table.AddColumn("entity_type", "varchar").AsPrimaryKey();
            table.AddColumn("entity_id", "varchar").AsPrimaryKey();
            table.AddColumn("stream", "varchar").AsPrimaryKey();
            table.AddColumn("sequence", "bigint").NotNull();
            table.AddColumn("expires_at", "timestamptz");
            table.Indexes.Add(new IndexDefinition($"{Name}_expires_at") { Columns = ["expires_at"], Predicate = "expires_at is not null" });
            yield return table;
        }
    }

    public override string Sql(StatementText text) =>
        $"""
        orders as (
          insert into {schema}.{Name} ({Columns})
          select o.* from permitted, unnest({text.Next(5)}) as o({Columns})
          on conflict {Replacement})
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        if (RowsOf(batch) is { Length: > 0 } rows)
        {
            session.QueueSqlCommand($"insert into {schema}.{Name} ({Columns}) select * from unnest(?, ?, ?, ?, ?) on conflict {Replacement}", ColumnsOf(rows));
        }
    }

    protected override (EntityId Entity, EventOrder Order)[] RowsOf(IReadOnlyList<StreamAppend> batch) =>
        [.. batch.SelectMany(entry => entry.Append.Orders, (entry, order) => (entry.Append.Entity, order))];

    protected override object[] ColumnsOf((EntityId Entity, EventOrder Order)[] rows) =>
    [
        Array.ConvertAll(rows, row => row.Entity.Type),
        Array.ConvertAll(rows, row => row.Entity.Key),
        Array.ConvertAll(rows, row => row.Order.Stream),
        Array.ConvertAll(rows, row => row.Order.Sequence),
        Array.ConvertAll(rows, row => row.Order.ExpiresAt?.ToUniversalTime()),
    ];
}
