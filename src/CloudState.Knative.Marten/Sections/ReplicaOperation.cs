using System.Data.Common;
using CloudState.Knative.Storage;
using Weasel.Core;
using Weasel.Storage;
using ICommandBuilder = Weasel.Postgresql.ICommandBuilder;
using IStorageOperation = Marten.Internal.Operations.IStorageOperation;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The changes of replicated values in a Marten session: the same statement as without one. It fails the transaction unless its only value is true.</summary>
internal sealed class ReplicaOperation(string sql, object[] columns) : IStorageOperation
{
    public Type DocumentType => typeof(ReplicaOperation);

    public OperationRole Role() => OperationRole.Other;

    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        var parameters = builder.AppendWithParameters(sql, '?');
        for (var i = 0; i < columns.Length; i++)
        {
            parameters[i].ResetDbType();
            parameters[i].Value = columns[i];
        }
    }

    public async Task PostprocessAsync(DbDataReader reader, IList<Exception> exceptions, CancellationToken token)
    {
        await reader.ReadAsync(token);
        if (!reader.GetBoolean(0))
        {
            exceptions.Add(new VersionConflictException("A replicated value of this batch was deleted meanwhile, or has the delta already."));
        }
    }
}
