using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Schema;

/// <summary>The table of how far entities have come in orders of others.</summary>
internal sealed class OrderTable(string schema)
{
    public const string Name = "cloudstate_orders";

    /// <summary>What a row has, in the order of <see cref="ValuesOf"/>.</summary>
    public const string Columns = "entity_type, entity_id, stream, sequence, expires_at";

    public const string Replacement = "(entity_type, entity_id, stream) do update set sequence = excluded.sequence, expires_at = excluded.expires_at";

    private readonly string _advance = $"insert into {schema}.{Name} ({Columns}) select * from unnest(?, ?, ?, ?, ?) on conflict {Replacement}";

    public Table Definition()
    {
        var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("entity_type", "varchar").AsPrimaryKey();
        table.AddColumn("entity_id", "varchar").AsPrimaryKey();
        table.AddColumn("stream", "varchar").AsPrimaryKey();
        table.AddColumn("sequence", "bigint").NotNull();
        table.AddColumn("expires_at", "timestamptz");
        table.Indexes.Add(new IndexDefinition($"{Name}_expires_at") { Columns = ["expires_at"], Predicate = "expires_at is not null" });
        return table;
    }

    /// <summary>An array for each of the <see cref="Columns"/>; null when there is no row.</summary>
    public static object[]? ValuesOf(IEnumerable<EntityAppend> appends)
    {
        var orders = appends.SelectMany(append => append.Orders, (append, order) => (append.Entity, Order: order)).ToArray();
        return orders.Length == 0 ? null :
        [
            Array.ConvertAll(orders, row => row.Entity.Type),
            Array.ConvertAll(orders, row => row.Entity.Key),
            Array.ConvertAll(orders, row => row.Order.Stream),
            Array.ConvertAll(orders, row => row.Order.Sequence),
            Array.ConvertAll(orders, row => row.Order.ExpiresAt?.ToUniversalTime()),
        ];
    }

    public void Queue(IDocumentSession session, IEnumerable<EntityAppend> appends)
    {
        if (ValuesOf(appends) is { } rows)
        {
            session.QueueSqlCommand(_advance, rows);
        }
    }
}
