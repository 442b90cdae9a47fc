using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The tables of replicated values.</summary>
internal static class ReplicaTables
{
    /// <summary>Values with all that was folded into them. One without a state says how often the value was deleted; no row: never.</summary>
    public const string Values = "cloudstate_replicas";

    /// <summary>What was added since, a row for each append.</summary>
    public const string Deltas = "cloudstate_deltas";

    public static IEnumerable<Table> Definitions(string schema)
    {
        var values = new Table(new PostgresqlObjectName(schema, Values, SchemaUtils.IdentifierUsage.General));
        values.AddColumn("stream", "varchar").AsPrimaryKey();
        values.AddColumn("epoch", "bigint").NotNull();
        values.AddColumn("seats", "integer[]").NotNull();
        values.AddColumn("numbers", "bigint[]").NotNull();
        values.AddColumn("state", "bytea");
        values.AddColumn("value", "jsonb");
        values.AddColumn("changed_at", "timestamptz").NotNull();
        values.Indexes.Add(new IndexDefinition($"{Values}_changed_at") { Columns = ["changed_at"] });
        yield return values;

        var deltas = new Table(new PostgresqlObjectName(schema, Deltas, SchemaUtils.IdentifierUsage.General));
        deltas.AddColumn("stream", "varchar").AsPrimaryKey();
        deltas.AddColumn("epoch", "bigint").AsPrimaryKey();
        deltas.AddColumn("seat", "integer").AsPrimaryKey();
        deltas.AddColumn("first", "bigint").AsPrimaryKey();
        deltas.AddColumn("last", "bigint").NotNull();
        deltas.AddColumn("data", "bytea").NotNull();
        deltas.AddColumn("stored_at", "timestamptz").NotNull();
        deltas.Indexes.Add(new IndexDefinition($"{Deltas}_stored_at") { Columns = ["stored_at"] });
        yield return deltas;
    }
}
