using JasperFx.Events;
using Marten;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Store;

/// <summary>
/// Refuses settings of Marten that the statements of this library do not follow: they read and write Marten's tables by their names and columns. What else is configured, such as
/// projections, documents, indexes and further columns that may stay empty, is Marten's own.
/// </summary>
internal static class MartenSettings
{
    private const string Where = "MartenStoreOptions.Configure";

    /// <param name="configured">The store with what the user has configured.</param>
    /// <param name="expected">The store without it.</param>
    /// <param name="schema">Where the tables are.</param>
    /// <exception cref="InvalidOperationException">A setting is not followed. The message says which, and what to do.</exception>
    public static void Check(DocumentStore configured, DocumentStore expected, string schema)
    {
        var options = (StoreOptions)configured.Options;
        Check(options.DatabaseSchemaName, nameof(options.DatabaseSchemaName));
        Check(options.Events.DatabaseSchemaName, $"Events.{nameof(options.Events.DatabaseSchemaName)}");
        if (options.Events.StreamIdentity != StreamIdentity.AsString)
        {
            throw Refused($"sets Events.StreamIdentity to {options.Events.StreamIdentity}, but the streams of entities are named by their types and keys. Leave it at AsString");
        }

        if (options.Events.TenancyStyle != JasperFx.MultiTenancy.TenancyStyle.Single)
        {
            throw Refused($"sets Events.TenancyStyle to {options.Events.TenancyStyle}, but entities have no tenants. Leave it at Single, and make the tenant a part of the key");
        }

        var tables = TablesOf(configured);
        foreach (var (name, table) in TablesOf(expected))
        {
            if (!tables.TryGetValue(name, out var found))
            {
                throw Refused($"moves or renames the table {name}, which this library reads and writes. Leave its schema and its alias as they are");
            }

            Compare(name, table, found);
        }

        void Check(string actual, string setting)
        {
            if (!actual.Equals(schema, StringComparison.OrdinalIgnoreCase))
            {
                throw Refused($"sets {setting} to '{actual}', but all tables are in '{schema}'. Set CloudState__Marten__SchemaName, or MartenStoreOptions.SchemaName, instead");
            }
        }
    }

    private static void Compare(string name, Table expected, Table found)
    {
        foreach (var column in expected.Columns.Where(column => found.ColumnFor(column.Name)?.Type != column.Type))
        {
            throw Refused($"changes or removes the column {column.Name} of {name}, which this library writes. Leave out what does that, such as policies for all documents");
        }

        if (!expected.PrimaryKeyColumns.SequenceEqual(found.PrimaryKeyColumns))
        {
            throw Refused(
                $"makes ({string.Join(", ", found.PrimaryKeyColumns)}) the primary key of {name}, by tenants or partitions, but this library needs ({string.Join(", ", expected.PrimaryKeyColumns)})." +
                " Leave these documents and events without tenants and partitions");
        }
    }

    private static Dictionary<string, Table> TablesOf(DocumentStore store) => store.Storage.Database.AllObjects().OfType<Table>()
        .DistinctBy(table => table.Identifier.QualifiedName)
        .Where(table => table.Identifier.Name is "mt_streams" or "mt_events" || table.Identifier.Name is $"mt_doc_{EntitySnapshot.Alias}" or $"mt_doc_{EntityValue.Alias}")
        .ToDictionary(table => table.Identifier.QualifiedName);

    private static InvalidOperationException Refused(string what) => new($"{Where} {what}.");
}
