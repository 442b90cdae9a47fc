using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Outbox;

/// <summary>The table of parked deliveries, which wait for an operator.</summary>
internal static class ParkedTable
{
    public const string Name = "cloudstate_parked";

    public static Table Definition(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("id", "varchar").AsPrimaryKey();
        table.AddColumn("number", "bigint").NotNull().BigAutoIncrement();
        table.AddColumn("lane", "varchar").NotNull();
        table.AddColumn("entity_type", "varchar").NotNull();
        table.AddColumn("entity_id", "varchar").NotNull();
        table.AddColumn("slot", "integer").NotNull();
        table.AddColumn("content", "bytea").NotNull();
        table.AddColumn("error", "varchar").NotNull();
        table.AddColumn("attempts", "integer").NotNull();
        table.AddColumn("parked_at", "timestamptz").NotNull();
        table.Indexes.Add(new IndexDefinition($"{Name}_origin") { Columns = ["entity_type", "slot", "entity_id", "lane", "number"] });
        return table;
    }
}
