using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Schema;

/// <summary>The table of calls that commands have asked for and that are still to be made.</summary>
internal sealed class OutboxTable(string schema)
{
    public const string Name = "cloudstate_outbox";

    /// <summary>What an entry has, in the order of <see cref="ValuesOf"/>.</summary>
    public const string Columns = "id, entity_type, entity_id, slot, method, call";

    private readonly string _insert =
        $"""
        insert into {schema}.{Name} ({Columns})
        select {Columns} from unnest(?, ?, ?, ?, ?, ?) with ordinality as o({Columns}, position) order by position
        """;

    public Table Definition()
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
        return table;
    }

    /// <summary>The entries of all appends, in order: an array for each of the <see cref="Columns"/>. Null when there is no entry.</summary>
    public static object[]? ValuesOf(IEnumerable<EntityAppend> appends)
    {
        var entries = appends.SelectMany(append => append.Outbox).ToArray();
        return entries.Length == 0 ? null :
        [
            Column(entry => entry.Id),
            Column(entry => entry.Origin.Type),
            Column(entry => entry.Origin.Key),
            Column(entry => entry.SlotNumber),
            Column(entry => entry.Method),
            Column(entry => entry.Content.ToByteArray()),
        ];

        T[] Column<T>(Func<OutboxEntry, T> value) => Array.ConvertAll(entries, entry => value(entry));
    }

    /// <summary>Queues the entries of all appends, in order.</summary>
    public void Queue(IDocumentSession session, IEnumerable<EntityAppend> appends)
    {
        if (ValuesOf(appends) is { } entries)
        {
            session.QueueSqlCommand(_insert, entries);
        }
    }
}
