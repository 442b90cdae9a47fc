using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Schema;

/// <summary>The table of command records: who asked for what, and the answer. One statement per batch writes, one trims.</summary>
internal sealed class CommandTable(string schema)
{
    public const string Name = "cloudstate_commands";

    /// <summary>What a record has, in the order of <see cref="ValuesOf"/>.</summary>
    public const string Columns = "stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at, details";

    private readonly string _insert =
        $"""
        insert into {schema}.{Name} ({Columns})
        select {Columns}
        from unnest(?, ?, ?, ?, ?, ?, ?, ?, ?) with ordinality
          as c({Columns}, position)
        order by position
        """;

    private readonly string _trim =
        $"""
        delete from {schema}.{Name} c using unnest(?, ?) as k(stream, keep)
        where c.stream = k.stream and c.number <=
          (select o.number from {schema}.{Name} o where o.stream = k.stream order by o.number desc offset k.keep limit 1)
        """;

    public Table Definition()
    {
        var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("stream", "varchar").AsPrimaryKey();
        table.AddColumn("command_id", "varchar").AsPrimaryKey();
        table.AddColumn("number", "bigint").NotNull().BigAutoIncrement();
        table.AddColumn("method", "varchar").NotNull();
        table.AddColumn("fingerprint", "bigint").NotNull();
        table.AddColumn("status_code", "integer").NotNull();
        table.AddColumn("status_detail", "varchar").NotNull();
        table.AddColumn("reply", "bytea").NotNull();
        table.AddColumn("handled_at", "timestamptz").NotNull();
        table.AddColumn("details", "bytea");
        table.Indexes.Add(new IndexDefinition($"{Name}_handled_at") { Columns = ["handled_at"] });
        table.Indexes.Add(new IndexDefinition($"{Name}_stream_number") { Columns = ["stream", "number"] });
        return table;
    }

    /// <summary>The records of all appends, in order: an array for each of the <see cref="Columns"/>. Null when there is no record.</summary>
    public static object[]? ValuesOf(IEnumerable<EntityAppend> appends)
    {
        var records = appends.SelectMany(append => append.Commands, (append, command) => (Stream: append.Entity.ToString(), Command: command)).ToArray();
        return records.Length == 0 ? null :
        [
            Column(r => r.Stream),
            Column(r => r.Command.CommandId),
            Column(r => r.Command.Method),
            Column(r => r.Command.Fingerprint),
            Column(r => r.Command.StatusCode),
            Column(r => r.Command.StatusDetail),
            Column(r => r.Command.Reply.ToByteArray()),
            Column(r => r.Command.HandledAt.ToUniversalTime()),
            Column(r => r.Command.Details.IsEmpty ? null! : r.Command.Details.ToByteArray()),
        ];

        T[] Column<T>(Func<(string Stream, CommandRecord Command), T> value) => Array.ConvertAll(records, record => value(record));
    }

    /// <summary>Queues the records of all appends, in order, and then the trimming.</summary>
    public void Queue(IDocumentSession session, IReadOnlyList<EntityAppend> appends)
    {
        if (ValuesOf(appends) is { } records)
        {
            session.QueueSqlCommand(_insert, records);
        }

        var trimmed = appends.Where(append => append.KeepCommands is not null).ToArray();
        if (trimmed.Length > 0)
        {
            session.QueueSqlCommand(
                _trim, trimmed.Select(append => append.Entity.ToString()).ToArray(), trimmed.Select(append => append.KeepCommands!.Value).ToArray());
        }
    }
}
