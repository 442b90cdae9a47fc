using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Journal;

/// <summary>How far slots are numbered, and how far consumers have come.</summary>
internal static class JournalTables
{
    /// <summary>Up to which event of Marten's table a slot is numbered, and which position that led to.</summary>
    public const string Slots = "cloudstate_journal_slots";

    public const string Checkpoints = "cloudstate_checkpoints";

    /// <summary>Where releases without positions have kept how far consumers had come, as numbers of Marten's table; each row goes when it was converted.</summary>
    public const string FormerCheckpoints = "cloudstate_positions";

    public static IEnumerable<Table> Definitions(string schema)
    {
        var slots = new Table(new PostgresqlObjectName(schema, Slots, SchemaUtils.IdentifierUsage.General));
        slots.AddColumn("entity_type", "varchar").AsPrimaryKey();
        slots.AddColumn("slot", "integer").AsPrimaryKey();
        slots.AddColumn("seq_id", "bigint").NotNull();
        slots.AddColumn("position", "bigint").NotNull();
        yield return slots;
        yield return OfConsumers(schema, Checkpoints);
        yield return OfConsumers(schema, FormerCheckpoints);
    }

    private static Table OfConsumers(string schema, string name)
    {
        var table = new Table(new PostgresqlObjectName(schema, name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("consumer", "varchar").AsPrimaryKey();
        table.AddColumn("entity_type", "varchar").AsPrimaryKey();
        table.AddColumn("slot", "integer").AsPrimaryKey();
        table.AddColumn("position", "bigint").NotNull();
        return table;
    }
}
