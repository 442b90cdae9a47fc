using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Marten.Journal;
using CloudState.Knative.Marten.Outbox;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten.Load;

/// <summary>Whether the database has the tables of this library and lets its role read and write them, before the first command finds out.</summary>
internal sealed class StoreCheck(NpgsqlDataSource database, string schema, MemberTables members, RecordedNames names)
{
    // A table that is locked by a migration is not usable either.
    private readonly string _touch = $"select from {string.Join(", ", [.. EventTables(schema), .. OtherTables(schema, members)])} limit 0";

    // Of Marten's event tables nothing is deleted. Naming a table that is not there fails the statement.
    private readonly string _check =
        $"""
        with tables as (
          select name::regclass as name, 'select,insert,update' as privileges from unnest(array['{string.Join("', '", EventTables(schema))}']) as name
          union all
          select name::regclass, 'select,insert,update,delete' from unnest(array['{string.Join("', '", OtherTables(schema, members))}']) as name),
        sequences as materialized (
          select sequence.oid::regclass as name from tables
          join pg_depend owned on owned.refobjid = tables.name and owned.refclassid = 'pg_class'::regclass
          join pg_class sequence on sequence.oid = owned.objid and sequence.relkind = 'S')
        select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on', current_user::text, array(
          select privilege || ' on ' || name from tables, unnest(string_to_array(privileges, ',')) as privilege where not has_table_privilege(name, privilege)
          union all
          select privilege || ' on ' || name from sequences, unnest(array['usage', 'select']) as privilege where not has_sequence_privilege(name, privilege))
        """;

    /// <exception cref="StoreUnavailableException">The role lacks privileges, or the database is read-only.</exception>
    /// <exception cref="EntityDefinitionException">A field is no longer what it was under its number.</exception>
    public async Task RunAsync(CancellationToken cancellationToken) => await names.LearnAsync(await ReadNamesAsync(cancellationToken), cancellationToken);

    /// <summary>Checks, and reads the record of names in the same round trip; null if there is none.</summary>
    private async Task<string?> ReadNamesAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new(_check));
        batch.BatchCommands.Add(new(_touch));
        batch.BatchCommands.Add(names.ReadCommand());
        await using var answer = await batch.ExecuteReaderAsync(cancellationToken);
        await answer.ReadAsync(cancellationToken);
        var unusable = WhyUnusable(answer);
        try
        {
            await answer.NextResultAsync(cancellationToken);
        }
        catch (PostgresException) when (unusable is not null)
        {
            // It knows only the first of what is missing.
        }

        if (unusable is not null)
        {
            throw unusable;
        }

        await answer.NextResultAsync(cancellationToken);
        return await answer.ReadAsync(cancellationToken) ? answer.GetString(0) : null;
    }

    private static StoreUnavailableException? WhyUnusable(NpgsqlDataReader answer)
    {
        if (answer.GetBoolean(0))
        {
            return new StoreUnavailableException(MartenFailures.ReadOnly) { Cause = PostgresErrorCodes.ReadOnlySqlTransaction };
        }

        var (role, missing) = (answer.GetString(1), answer.GetFieldValue<string[]>(2));
        return missing.Length == 0 ? null : new StoreUnavailableException(
            $"The database role '{role}' lacks privileges ({string.Join(", ", missing.Order())}). Run the statements that the service prints with --grants {role}.")
        {
            Cause = MartenFailures.MissingPrivilege,
        };
    }

    private static string[] EventTables(string schema) => [$"{schema}.mt_streams", $"{schema}.mt_events"];

    private static string[] OtherTables(string schema, MemberTables members) =>
    [
        $"{schema}.mt_doc_{EntitySnapshot.Alias}", $"{schema}.mt_doc_{EntityValue.Alias}", $"{schema}.{RecordSection.Name}", $"{schema}.{OutboxSection.Name}",
        $"{schema}.{TimerSection.Name}", $"{schema}.{OrderSection.Name}", $"{schema}.{JournalSection.Name}", $"{schema}.{JournalTables.Slots}",
        $"{schema}.{JournalTables.Checkpoints}", $"{schema}.{JournalTables.FormerCheckpoints}", $"{schema}.{ParkedTable.Name}", $"{schema}.{RecordedNames.Name}",
        $"{schema}.{ReplicaTables.Values}", $"{schema}.{ReplicaTables.Deltas}", members.Members, members.Slots, members.Cluster,
    ];
}
