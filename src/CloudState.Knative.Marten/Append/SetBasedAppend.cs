using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Sections;
using CloudState.Knative.Storage;
using Npgsql;

namespace CloudState.Knative.Marten.Append;

/// <summary>
/// Appends a whole batch with one statement over Marten's own tables, in one round trip. Marten reads, projects and migrates what it writes like its own.
/// </summary>
/// <remarks>
/// <para>The statement is a transaction by itself:</para>
/// <list type="number">
/// <item>The fence: the member's row is there, and is locked against deletion until the commit. If not, nothing is written, and the result is false.</item>
/// <item>The streams and the values: each that is where it is expected to be moves on, or is started.</item>
/// <item>Events, the archiving of deleted ones, snapshots, command records, the trimming of old records, calls to be made: each only when the batch has any.</item>
/// <item>The count: if a stream or a value was not where it was expected to be, a division by zero undoes everything.</item>
/// </list>
/// <para>
/// Rows are written in the order of the arrays, which is that of the streams' names, so that two batches cannot wait for each other; sequence numbers
/// follow versions, as the daemon's projections need.
/// </para>
/// </remarks>
internal sealed class SetBasedAppend(NpgsqlDataSource database, AppendStatement statement)
{
    /// <summary>Writes all of the batch or nothing.</summary>
    /// <param name="batch">In the order of the streams' names.</param>
    /// <param name="memberId">The owner of the entities; null to check none.</param>
    /// <param name="cancellationToken">Cancels the append; the outcome is unknown then.</param>
    /// <returns>The time of the transaction, which the events have.</returns>
    /// <exception cref="FencedException">There is no such member any more.</exception>
    /// <exception cref="VersionConflictException">An entity is not at the expected version.</exception>
    public async Task<DateTimeOffset?> RunAsync(IReadOnlyList<StreamAppend> batch, Guid? memberId, CancellationToken cancellationToken)
    {
        try
        {
            return await database.RunAsync(connection => RunAsync(new NpgsqlCommand { Connection = connection }, batch, memberId, cancellationToken), cancellationToken);
        }
        catch (PostgresException conflict) when (conflict.SqlState == PostgresErrorCodes.DivisionByZero)
        {
            throw new VersionConflictException("An entity of this batch is not at the expected version, or its stream is archived. Nothing was written.", conflict);
        }
    }

    /// <summary>Writes all of the batch as <see cref="RunAsync(IReadOnlyList{StreamAppend}, Guid?, CancellationToken)"/> does, and undoes it.</summary>
    public async Task RehearseAsync(IReadOnlyList<StreamAppend> batch, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RunAsync(new NpgsqlCommand { Connection = connection, Transaction = transaction }, batch, memberId: null, cancellationToken);
        await transaction.RollbackAsync(cancellationToken);
    }

    private async Task<DateTimeOffset?> RunAsync(NpgsqlCommand command, IReadOnlyList<StreamAppend> batch, Guid? memberId, CancellationToken cancellationToken)
    {
        await using (command)
        {
            command.CommandText = statement.Prepare(command.Parameters, batch, memberId);
            await using var result = await command.ExecuteReaderAsync(cancellationToken);
            await result.ReadAsync(cancellationToken);
            return result.GetBoolean(0) ? result.GetFieldValue<DateTimeOffset>(1) : throw PostgresMemberStore.Fenced(memberId!.Value);
        }
    }
}
