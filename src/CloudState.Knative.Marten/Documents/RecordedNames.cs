using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Protobuf;
using Npgsql;
using Weasel.Postgresql;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Documents;

/// <summary>The <see cref="NameRecord"/> of the service's messages, in a table of one row.</summary>
internal sealed class RecordedNames(NpgsqlDataSource database, string schema, StoredShapes shapes)
{
    public const string Name = "cloudstate_names";

    // What this process would record itself need not be sent.
    private readonly string _read = $"select case when hash = $1 then '' else content end from {schema}.{Name}";
    private readonly string _create = $"insert into {schema}.{Name} (id, hash, content) values (1, 0, '{{}}') on conflict do nothing";
    private readonly string _lock = $"select content from {schema}.{Name} for update";
    private readonly string _write = $"update {schema}.{Name} set hash = $1, content = $2";

    public static Table Definition(string schema)
    {
        var table = new Table(new PostgresqlObjectName(schema, Name, SchemaUtils.IdentifierUsage.General));
        table.AddColumn("id", "integer").AsPrimaryKey();
        table.AddColumn("hash", "bigint").NotNull();
        table.AddColumn("content", "text").NotNull();
        return table;
    }

    /// <summary>Reads the record; the answer is for <see cref="LearnAsync(string?, CancellationToken)"/>.</summary>
    public NpgsqlBatchCommand ReadCommand() => new(_read) { Parameters = { Parameter.Long(shapes.Hash) } };

    /// <summary>Reads the record, and adds the names of this revision to it if they are missing.</summary>
    /// <exception cref="EntityDefinitionException">A field is no longer what it was under its number.</exception>
    public async Task LearnAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(ReadCommand());
        await LearnAsync(await batch.ExecuteScalarAsync(cancellationToken) as string, cancellationToken);
    }

    /// <inheritdoc cref="LearnAsync(CancellationToken)"/>
    public async Task LearnAsync(string? recorded, CancellationToken cancellationToken)
    {
        if (shapes.Learn(recorded) is null)
        {
            return;
        }

        // One process after another.
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await new NpgsqlCommand(_create, connection, transaction).ExecuteNonQueryAsync(cancellationToken);
        var latest = (string)(await new NpgsqlCommand(_lock, connection, transaction).ExecuteScalarAsync(cancellationToken))!;
        if (shapes.Learn(latest) is { } record)
        {
            await using var write = new NpgsqlCommand(_write, connection, transaction) { Parameters = { Parameter.Long(record.Hash), Parameter.Text(record.ToJson()) } };
            await write.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }
}
