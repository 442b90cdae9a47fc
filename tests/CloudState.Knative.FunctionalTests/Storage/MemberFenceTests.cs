using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Storage;
using Marten;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What a member that is deleted has in flight, and what it appends later.</summary>
public sealed class MemberFenceTests(PostgresSchema schema) : MemberStoreTest(schema)
{
    [Fact]
    public async Task Append_IsFencedOnceItsMemberIsDeleted()
    {
        var (member, store) = (NewMember("ledger"), OpenStore());
        var key = new EntityId("ledger", "fenced");
        await JoinAsync(store.Members, member);
        await AppendAsync(store, member.Id, key, 0);

        await Open().LeaveAsync(member.Id, Cancellation);

        // Whatever else is wrong with them.
        await Assert.ThrowsAsync<FencedException>(() => AppendAsync(store, member.Id, key, 1));
        await Assert.ThrowsAsync<FencedException>(() => AppendAsync(store, member.Id, key, 0));
        await Assert.ThrowsAsync<FencedException>(() => store.AppendAsync([new EntityAppend(key, new EventsChange(7, []))], member.Id, Cancellation));
        Assert.Equal(1, (await store.LoadAsync(key, StoredAs.Events, default, Cancellation)).Version);
    }

    [Fact]
    public async Task MemberWithAppendInFlight_LeavesAfterItsCommitAndIsNotSwept()
    {
        var (member, other) = (NewMember("cart"), NewMember("cart"));
        var (store, otherStore) = (Open(), Open());
        await JoinAsync(otherStore, other);
        await JoinAsync(store, member, lease: Ended);
        await using var connection = await Schema.Database.OpenConnectionAsync(Cancellation);
        await using var append = await LockAsync(connection, member.Id);

        var swept = (await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!;
        var joined = await JoinAsync(Open(), NewMember("cart"));
        var leaving = store.LeaveAsync(member.Id, Cancellation);
        await UntilAsync(async () => await Schema.QueryAsync<bool>(
            $"select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%{Schema.Name}.cloudstate_members%')"));

        Assert.Equal(2, swept.All.Count);
        Assert.Null(swept.NextExpiry);
        Assert.Equal(3, joined.Members.All.Count);
        Assert.False(leaving.IsCompleted);
        await append.CommitAsync(Cancellation);
        await leaving.WaitAsync(Soon, Cancellation);
        Assert.Equal(2, (await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!.All.Count);
    }

    [Fact]
    public async Task AppendOfPausedProcess_IsEndedByTheServerAndItsMemberDeleted()
    {
        var (paused, other) = (NewMember("ledger"), NewMember("ledger"));
        var otherStore = Open();
        await JoinAsync(otherStore, other);
        await JoinAsync(Open(), paused, lease: Ended);
        var key = new EntityId("ledger", "paused");
        var pause = new PauseBeforeCommit();
        var pausedStore = OpenStore(lease: TimeSpan.FromMilliseconds(300), options => options.Configure = marten => marten.Listeners.Add(pause));
        var appending = AppendAsync(pausedStore, paused.Id, key, 0);
        await pause.Begun.Task.WaitAsync(Soon, Cancellation);

        await UntilAsync(async () => (await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!.All.Count == 1);

        pause.Over.SetResult();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => appending.WaitAsync(Soon, Cancellation));
        Assert.Equal(0, (await pausedStore.LoadAsync(key, StoredAs.Events, default, Cancellation)).Version);
        await Assert.ThrowsAsync<FencedException>(() => AppendAsync(pausedStore, paused.Id, key, 0));
    }

    private static Task AppendAsync(MartenEntityStore store, Guid memberId, EntityId key, long expectedVersion) =>
        store.AppendAsync([new EntityAppend(key, new EventsChange(expectedVersion, [new AmountAdded { Amount = 1 }]))], memberId, Cancellation);
}

/// <summary>Holds a transaction up that Marten is about to commit.</summary>
internal sealed class PauseBeforeCommit : DocumentSessionListenerBase, ITransactionParticipant
{
    public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override Task BeforeSaveChangesAsync(IDocumentSession session, CancellationToken token)
    {
        ((ITransactionParticipantRegistrar)session).AddTransactionParticipant(this);
        return Task.CompletedTask;
    }

    public Task BeforeCommitAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken token)
    {
        Begun.TrySetResult();
        return Over.Task;
    }
}
