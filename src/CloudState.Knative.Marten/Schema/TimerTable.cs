using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Schema;

/// <summary>The table of timers: at most one of a name per entity.</summary>
internal sealed class TimerTable(string schema)
{
    public const string Name = "cloudstate_timers";

    /// <summary>What a timer has, in the order of <see cref="ValuesOf"/>. One that is cancelled has no id.</summary>
    public const string Columns = "entity_type, entity_id, name, id, slot, due_at, method, call";

    /// <summary>What takes the place of a timer of the same name.</summary>
    public const string Replacement = "(entity_type, entity_id, name) do update set id = excluded.id, due_at = excluded.due_at, method = excluded.method, call = excluded.call";

    private readonly string _cancel =
        $"""
        delete from {schema}.{Name} t using unnest(?, ?, ?) as c(entity_type, entity_id, name)
        where t.entity_type = c.entity_type and t.entity_id = c.entity_id and t.name = c.name
        """;

    private readonly string _set = $"insert into {schema}.{Name} ({Columns}) select * from unnest(?, ?, ?, ?, ?, ?, ?, ?) on conflict {Replacement}";

    public Table Definition()
    {
        var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("entity_type", "varchar").AsPrimaryKey();
        table.AddColumn("entity_id", "varchar").AsPrimaryKey();
        table.AddColumn("name", "varchar").AsPrimaryKey();
        table.AddColumn("id", "uuid").NotNull();
        table.AddColumn("slot", "integer").NotNull();
        table.AddColumn("due_at", "timestamptz").NotNull();
        table.AddColumn("method", "varchar").NotNull();
        table.AddColumn("call", "bytea").NotNull();
        table.Indexes.Add(new IndexDefinition($"{Name}_due") { Columns = ["entity_type", "slot", "due_at"] });
        table.Indexes.Add(new IndexDefinition($"{Name}_id") { Columns = ["id"], IsUnique = true });
        return table;
    }

    /// <summary>The changes of all appends: an array for each of the <see cref="Columns"/>. Null when there is no change.</summary>
    public static object[]? ValuesOf(IEnumerable<EntityAppend> appends) => ToColumns(ChangesOf(appends));

    /// <summary>Queues the changes of all appends.</summary>
    public void Queue(IDocumentSession session, IEnumerable<EntityAppend> appends)
    {
        var changes = ChangesOf(appends).ToLookup(change => change.Timer is not null);
        if (ToColumns([.. changes[false]]) is { } cancelled)
        {
            session.QueueSqlCommand(_cancel, cancelled[..3]);
        }

        if (ToColumns([.. changes[true]]) is { } set)
        {
            session.QueueSqlCommand(_set, set);
        }
    }

    private static (EntityId Origin, string Name, StoredTimer? Timer)[] ChangesOf(IEnumerable<EntityAppend> appends) =>
        [.. appends.SelectMany(append => append.Timers, (append, change) => (append.Entity, change.Name, change.Timer))];

    private static object[]? ToColumns((EntityId Origin, string Name, StoredTimer? Timer)[] changes)
    {
        return changes.Length == 0 ? null :
        [
            Column(change => change.Origin.Type),
            Column(change => change.Origin.Key),
            Column(change => change.Name),
            Column(change => change.Timer?.Id),
            Column(change => change.Timer?.SlotNumber),
            Column(change => change.Timer?.DueAt.ToUniversalTime()),
            Column(change => change.Timer?.Method),
            Column(change => change.Timer?.Call.ToByteArray()),
        ];

        T[] Column<T>(Func<(EntityId Origin, string Name, StoredTimer? Timer), T> value) => Array.ConvertAll(changes, change => value(change));
    }
}
