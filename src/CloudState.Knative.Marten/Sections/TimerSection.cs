using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>Timers that are set and cancelled; an entity has at most one of a name.</summary>
internal sealed class TimerSection(string schema) : RowSection<(EntityId Origin, string Name, StoredTimer? Timer)>
{
    public const string Name = "cloudstate_timers";

    /// <summary>A timer that is cancelled has no id.</summary>
    private const string Columns = "entity_type, entity_id, name, id, slot, due_at, method, call";

    private const string Replacement = "(entity_type, entity_id, name) do update set id = excluded.id, due_at = excluded.due_at, method = excluded.method, call = excluded.call";

    public override IEnumerable<Table> Tables
    {
        get
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
            yield return table;
        }
    }

    public override string Sql(StatementText text) =>
        $"""
        timers as (select * from unnest({text.Next(8)}) as t({Columns})),
        cancelled as (
          delete from {schema}.{Name} t using permitted, timers c
          where c.id is null and t.entity_type = c.entity_type and t.entity_id = c.entity_id and t.name = c.name),
        timed as (
          insert into {schema}.{Name} ({Columns}) select t.* from permitted, timers t where t.id is not null
          on conflict {Replacement})
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        var changes = RowsOf(batch).ToLookup(change => change.Timer is not null);
        if (changes[false].ToArray() is { Length: > 0 } cancelled)
        {
            session.QueueSqlCommand(
                $"""
                delete from {schema}.{Name} t using unnest(?, ?, ?) as c(entity_type, entity_id, name)
                where t.entity_type = c.entity_type and t.entity_id = c.entity_id and t.name = c.name
                """,
                ColumnsOf(cancelled)[..3]);
        }

        if (changes[true].ToArray() is { Length: > 0 } set)
        {
            session.QueueSqlCommand($"insert into {schema}.{Name} ({Columns}) select * from unnest(?, ?, ?, ?, ?, ?, ?, ?) on conflict {Replacement}", ColumnsOf(set));
        }
    }

    protected override (EntityId Origin, string Name, StoredTimer? Timer)[] RowsOf(IReadOnlyList<StreamAppend> batch) =>
        [.. batch.SelectMany(entry => entry.Append.Timers, (entry, change) => (entry.Append.Entity, change.Name, change.Timer))];

    protected override object[] ColumnsOf((EntityId Origin, string Name, StoredTimer? Timer)[] rows) =>
    [
        Array.ConvertAll(rows, change => change.Origin.Type),
        Array.ConvertAll(rows, change => change.Origin.Key),
        Array.ConvertAll(rows, change => change.Name),
        Array.ConvertAll(rows, change => change.Timer?.Id),
        Array.ConvertAll(rows, change => change.Timer?.SlotNumber),
        Array.ConvertAll(rows, change => change.Timer?.DueAt.ToUniversalTime()),
        Array.ConvertAll(rows, change => change.Timer?.Method),
        Array.ConvertAll(rows, change => change.Timer?.Call.ToByteArray()),
    ];
}
