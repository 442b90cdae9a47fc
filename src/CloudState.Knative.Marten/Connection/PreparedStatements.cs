using Npgsql;

namespace CloudState.Knative.Marten.Connection;

/// <summary>
/// Statements that fail while Npgsql prepares them by itself. It takes them for prepared, but does not know their columns, so that their next execution on the
/// connection fails: "unexpected backend message DataRow" (https://github.com/npgsql/npgsql/issues/6391).
/// </summary>
internal static class PreparedStatements
{
    /// <summary>Runs a statement on a connection. If the server refuses it, the connection prepares all of its statements again.</summary>
    public static async Task<T> RunAsync<T>(this NpgsqlDataSource database, Func<NpgsqlConnection, Task<T>> run, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            return await run(connection);
        }
        catch (PostgresException) when (connection.FullState.HasFlag(System.Data.ConnectionState.Open))
        {
            connection.UnprepareAll();
            throw;
        }
    }
}
