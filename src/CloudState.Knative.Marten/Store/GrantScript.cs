using Weasel.Core;
using Weasel.Postgresql;
using Weasel.Postgresql.Functions;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Store;

/// <summary>The statements that give a role what the service needs: for databases whose schema belongs to another role than the service's.</summary>
internal static class GrantScript
{
    /// <param name="role">The role of the service.</param>
    /// <param name="objects">All objects that Marten makes, those of projections included.</param>
    public static string Of(string role, IEnumerable<ISchemaObject> objects)
    {
        var to = $"to \"{role.Replace("\"", "\"\"", StringComparison.Ordinal)}\";";
        ISchemaObject[] all = [.. objects];
        var tables = all.OfType<Table>().ToArray();
        var sequences = all.OfType<Sequence>().Select(sequence => sequence.Identifier.QualifiedName)
            .Concat(tables.SelectMany(table => table.Columns.Where(IsSerial), (table, column) => $"{table.Identifier.QualifiedName}_{column.Name}_seq"));
        return string.Join('\n', all.Select(stored => stored.Identifier.Schema).Distinct().Select(schema => $"grant usage on schema {schema} {to}")
            .Concat(tables.Select(table => $"grant select, insert, update, delete on {table.Identifier.QualifiedName} {to}"))
            .Concat(sequences.Select(sequence => $"grant usage, select on sequence {sequence} {to}"))
            .Concat(all.OfType<Function>().Select(function => $"grant execute on function {function.Identifier.QualifiedName} {to}"))
            .Distinct());
    }

    private static bool IsSerial(TableColumn column) => column.Type.Contains("serial", StringComparison.OrdinalIgnoreCase);
}
