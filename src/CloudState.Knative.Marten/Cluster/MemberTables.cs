using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Cluster;

/// <summary>
/// The tables of the cluster: who takes part, who owns which slot, and, in one row, how many slots a type has. A row of slots is a
/// claim; without a row the slot is free.
/// </summary>
internal sealed class MemberTables(string schema)
{
    public string Members { get; } = $"{schema}.cloudstate_members";

    public string Slots { get; } = $"{schema}.cloudstate_slots";

    public string Cluster { get; } = $"{schema}.cloudstate_ring";

    public IEnumerable<Table> Definitions()
    {
        var members = new Table(Name("cloudstate_members"));
        members.AddColumn("member_id", "uuid").AsPrimaryKey();
        members.AddColumn("revision", "varchar").NotNull();
        members.AddColumn("address", "varchar").NotNull();
        members.AddColumn("secret", "varchar").NotNull();
        members.AddColumn("entity_types", "varchar[]").NotNull();
        members.AddColumn("entity_versions", "integer[]").NotNull();
        members.AddColumn("is_leaving", "boolean").NotNull();
        members.AddColumn("lease_until", "timestamptz").NotNull();
        members.AddColumn("joined_at", "timestamptz").NotNull();

        // Members of releases without seats have none.
        members.AddColumn("seat", "integer").NotNull().DefaultValue(0);
        yield return members;

        var slots = new Table(Name("cloudstate_slots"));
        slots.AddColumn("entity_type", "varchar").AsPrimaryKey();
        slots.AddColumn("slot", "integer").AsPrimaryKey();
        slots.AddColumn("owner", "uuid").NotNull();
        slots.ForeignKeys.Add(new ForeignKey("cloudstate_slots_owner_is_member")
        {
            ColumnNames = ["owner"],
            LinkedTable = members.Identifier,
            LinkedNames = ["member_id"],
            DeleteAction = Weasel.Core.CascadeAction.Cascade,
        });
        slots.Indexes.Add(new IndexDefinition("cloudstate_slots_owner") { Columns = ["owner"] });
        yield return slots;

        var cluster = new Table(Name("cloudstate_ring"));
        cluster.AddColumn("id", "integer").AsPrimaryKey();
        cluster.AddColumn("slots", "integer").NotNull();
        yield return cluster;
    }

    private PostgresqlObjectName Name(string table) => new(schema, table, SchemaUtils.IdentifierUsage.General);
}
