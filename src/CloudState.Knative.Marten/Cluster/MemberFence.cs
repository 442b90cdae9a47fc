using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CloudState.Knative.Storage;
using JasperFx.Core.Exceptions;
using JasperFx.Events;
using NpgsqlTypes;
using Weasel.Core;
using Weasel.Storage;
using ICommandBuilder = Weasel.Postgresql.ICommandBuilder;
using IStorageOperation = Marten.Internal.Operations.IStorageOperation;

namespace CloudState.Knative.Marten.Cluster;

/// <summary>
/// Fails the transaction when the member is gone, and otherwise keeps it from being deleted until the transaction ends: a
/// deletion waits for what the member has in flight, and nothing more of it follows.
/// </summary>
/// <remarks>
/// The lock must not outlive a process that was paused between its statements: PostgreSQL ends a transaction that is idle for
/// <paramref name="lease"/>, so that others can delete the member then.
/// </remarks>
internal sealed class MemberFence(MemberTables tables, Guid memberId, TimeSpan lease) : IStorageOperation, IExceptionTransform
{
    private FencedException? _fenced;

    // Marten puts operations on events before all others, each kind in the order of its queueing.
    public Type DocumentType => typeof(IEvent);

    public OperationRole Role() => OperationRole.Other;

    public void ConfigureCommand(ICommandBuilder builder, IStorageSession session)
    {
        builder.Append("select set_config('idle_in_transaction_session_timeout', ");
        builder.AppendParameter(((long)lease.TotalMilliseconds).ToString(CultureInfo.InvariantCulture), NpgsqlDbType.Text);
        builder.Append($", true) from {tables.Members} where member_id = ");
        builder.AppendParameter(memberId, NpgsqlDbType.Uuid);
        builder.Append(" for key share");
    }

    public async Task PostprocessAsync(DbDataReader reader, IList<Exception> exceptions, CancellationToken token)
    {
        if (!await reader.ReadAsync(token))
        {
            _fenced = PostgresMemberStore.Fenced(memberId);
            exceptions.Add(_fenced);
        }
    }

    /// <summary>That there is no such member explains whatever else goes wrong in the batch, such as the versions that its successor has changed.</summary>
    public bool TryTransform(Exception original, [NotNullWhen(true)] out Exception? transformed)
    {
        transformed = _fenced;
        return _fenced is not null;
    }
}
