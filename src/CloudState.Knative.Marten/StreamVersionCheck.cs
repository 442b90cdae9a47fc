using System.Data.Common;
using CloudState.Knative.Storage;
using NpgsqlTypes;
using Weasel.Core;
using Weasel.Storage;
using ICommandBuilder = Weasel.Postgresql.ICommandBuilder;
using IStorageOperation = Marten.Internal.Operations.IStorageOperation;

namespace CloudState.Knative.Marten;

/// <summary>
/// Fails the transaction when one of the given streams is not at its expected version: for appends without events, where
/// Marten has nothing to check. It takes no lock: another writer that commits after it simply comes later.
/// </summary>
internal sealed class StreamVersionCheck(string schema, IReadOnlyList<EntityAppend> appends) : IStorageOperation
{
    public Type DocumentType => typeof(StreamVersionCheck);

    public OperationRole Role() => OperationRole.Other;

    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        builder.Append("select e.stream, e.version, s.version from unnest(");
        builder.AppendParameter(appends.Select(append => append.Key.ToString()).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        builder.Append(", ");
        builder.AppendParameter(appends.Select(append => append.ExpectedVersion).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint);
        builder.Append($") as e(stream, version) left join {schema}.mt_streams s on s.id = e.stream where coalesce(s.version, 0) <> e.version");
    }

    public async Task PostprocessAsync(DbDataReader reader, IList<Exception> exceptions, CancellationToken token)
    {
        if (await reader.ReadAsync(token))
        {
            exceptions.Add(new VersionConflictException(
                $"Entity '{reader.GetString(0)}' is not at version {reader.GetInt64(1)} but at {(reader.IsDBNull(2) ? 0 : reader.GetInt64(2))}."));
        }
    }
}
