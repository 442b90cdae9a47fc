using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The records of commands that carried an id: what was requested, and the outcome.</summary>
internal sealed class RecordSection(string schema) : RowSection<(string Stream, CommandRecord Command)>
{
    public const string Name = "cloudstate_commands";

    private const string Columns = "stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at, details, position";

    private readonly string _insert =
        $"""
        insert into {schema}.{Name} ({Columns})
        select {Columns} from unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) with ordinality as c({Columns}, row) order by row
        """;

    public override IEnumerable<Table> Tables
    {
        get
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
            table.AddColumn("position", "bigint");
            table.Indexes.Add(new IndexDefinition($"{Name}_handled_at") { Columns = ["handled_at"] });
            table.Indexes.Add(new IndexDefinition($"{Name}_stream_number") { Columns = ["stream", "number"] });
            yield return table;
        }
    }

    public override string Sql(StatementText text) =>
        $"""
        records as (
          insert into {schema}.{Name} ({Columns})
          select r.* from permitted, unnest({text.Next(10)}) as r({Columns}))
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        if (RowsOf(batch) is { Length: > 0 } rows)
        {
            session.QueueSqlCommand(_insert, ColumnsOf(rows));
        }
    }

    protected override (string Stream, CommandRecord Command)[] RowsOf(IReadOnlyList<StreamAppend> batch) =>
        [.. batch.SelectMany(entry => entry.Append.Commands, (entry, command) => (entry.Stream, command))];

    protected override object[] ColumnsOf((string Stream, CommandRecord Command)[] rows) =>
    [
        Array.ConvertAll(rows, row => row.Stream),
        Array.ConvertAll(rows, row => row.Command.CommandId),
        Array.ConvertAll(rows, row => row.Command.Method),
        Array.ConvertAll(rows, row => row.Command.Fingerprint),
        Array.ConvertAll(rows, row => row.Command.StatusCode),
        Array.ConvertAll(rows, row => row.Command.StatusDetail),
        Array.ConvertAll(rows, row => row.Command.Reply.ToByteArray()),
        Array.ConvertAll(rows, row => row.Command.HandledAt.ToUniversalTime()),
        Array.ConvertAll(rows, row => row.Command.Details.IsEmpty ? null! : row.Command.Details.ToByteArray()),
        Array.ConvertAll(rows, row => row.Command.Position == 0 ? null : (long?)row.Command.Position),
    ];
}
