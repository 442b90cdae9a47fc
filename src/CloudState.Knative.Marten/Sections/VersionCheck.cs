using System.Data.Common;
using CloudState.Knative.Storage;
using NpgsqlTypes;
using Weasel.Core;
using Weasel.Storage;
using ICommandBuilder = Weasel.Postgresql.ICommandBuilder;
using IStorageOperation = Marten.Internal.Operations.IStorageOperation;

namespace CloudState.Knative.Marten.Sections;

/// <summary>
/// Fails the transaction when one of the given entities is not at its expected version. It takes no lock: another writer that commits after it simply comes
/// later, and meets Marten's own checks if both have changed the entity.
/// </summary>
internal sealed class VersionCheck(string table, string versionColumn, IReadOnlyList<EntityAppend> appends) : IStorageOperation
{
    public Type DocumentType => typeof(VersionCheck);

    public OperationRole Role() => OperationRole.Other;

    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        builder.Append($"select e.id, e.version, s.{versionColumn}::bigint from unnest(");
        builder.AppendParameter(appends.Select(append => append.Entity.ToString()).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Varchar);
        builder.Append(", ");
        builder.AppendParameter(appends.Select(append => append.State.ExpectedVersion).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Bigint);
        builder.Append($") as e(id, version) left join {table} s on s.id = e.id where coalesce(s.{versionColumn}, 0) <> e.version");
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
