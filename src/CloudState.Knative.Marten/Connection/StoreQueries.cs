using Npgsql;

namespace CloudState.Knative.Marten.Connection;

/// <summary>Single statements, with their failures said in the terms of the store.</summary>
internal static class StoreQueries
{
    public static Task<IReadOnlyList<T>> ReadAsync<T>(
        this NpgsqlDataSource database, string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        MartenFailures.TranslateAsync<IReadOnlyList<T>>(
            async () =>
            {
                await using var command = database.CreateCommand(sql);
                command.Parameters.AddRange(parameters);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                var rows = new List<T>();
                while (await reader.ReadAsync(cancellationToken))
                {
                    rows.Add(read(reader));
                }

                return rows;
            },
            cancellationToken);

    /// <summary>Returns how many rows were written.</summary>
    public static Task<int> ExecuteAsync(this NpgsqlDataSource database, string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken) => MartenFailures.TranslateAsync(
        async () =>
        {
            await using var command = database.CreateCommand(sql);
            command.Parameters.AddRange(parameters);
            return await command.ExecuteNonQueryAsync(cancellationToken);
        },
        cancellationToken);
}
