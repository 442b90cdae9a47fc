using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;

namespace CloudState.Knative.Marten.Load;

/// <summary>What the store reads without Marten.</summary>
internal sealed class EntityQueries(NpgsqlDataSource database, string schema)
{
    private readonly string _command =
        $"select method, fingerprint, status_code, status_detail, reply, handled_at, details, position from {schema}.{RecordSection.Name} where stream = $1 and command_id = $2";

    private readonly string _forgetOrders =
        $"""
        delete from {schema}.{OrderSection.Name} where (entity_type, entity_id, stream) in
          (select entity_type, entity_id, stream from {schema}.{OrderSection.Name} where expires_at < now() for update skip locked)
        """;

    private readonly string _sequence = $"select sequence from {schema}.{OrderSection.Name} where entity_type = $1 and entity_id = $2 and stream = $3";

    // Rows that another transaction trims at the same time are left to it, so that the two cannot wait for each other.
    private readonly string _forget =
        $"""
        delete from {schema}.{RecordSection.Name} where (stream, command_id) in
          (select stream, command_id from {schema}.{RecordSection.Name} where handled_at < $1 for update skip locked)
        """;

    private readonly string _forgetValues =
        $"""
        delete from {schema}.mt_doc_{EntityValue.Alias} where id in
          (select id from {schema}.mt_doc_{EntityValue.Alias} where expires_at < $1 for update skip locked)
        """;

    public async Task<CommandRecord?> FindCommandAsync(string stream, string commandId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_command);
        command.Parameters.Add(Parameter.Text(stream));
        command.Parameters.Add(Parameter.Text(commandId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new CommandRecord(
                commandId,
                Method: reader.GetString(0),
                Fingerprint: reader.GetInt64(1),
                StatusCode: reader.GetInt32(2),
                StatusDetail: reader.GetString(3),
                Reply: UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(4)),
                HandledAt: reader.GetFieldValue<DateTimeOffset>(5))
            {
                Details = reader.IsDBNull(6) ? ByteString.Empty : UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(6)),
                Position = reader.IsDBNull(7) ? 0 : reader.GetInt64(7),
            }
            : null;
    }

    public async Task<long> FindSequenceAsync(EntityId key, string stream, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(_sequence);
        command.Parameters.Add(Parameter.Text(key.Type));
        command.Parameters.Add(Parameter.Text(key.Key));
        command.Parameters.Add(Parameter.Text(stream));
        return await command.ExecuteScalarAsync(cancellationToken) as long? ?? 0;
    }

    public async Task ForgetAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_forget) { Parameters = { Parameter.Time(before) } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_forgetOrders));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(_forgetValues) { Parameters = { Parameter.Time(before) } });
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
