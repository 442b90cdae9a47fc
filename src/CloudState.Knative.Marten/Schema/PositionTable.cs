using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Schema;

/// <summary>The table of how far consumers of the journal have come, by slots of the entities.</summary>
internal static class PositionTable
{
    public const string Name = "cloudstate_positions";

    public static Table Definition(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("consumer", "varchar").AsPrimaryKey();
        table.AddColumn("entity_type", "varchar").AsPrimaryKey();
        table.AddColumn("slot", "integer").AsPrimaryKey();
        table.AddColumn("position", "bigint").NotNull();
        return table;
    }
}
