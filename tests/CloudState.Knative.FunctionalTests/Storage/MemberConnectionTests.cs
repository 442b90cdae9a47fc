using CloudState.Knative.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What a member hears of the others, and what it does when its connection or the server is not as it should be.</summary>
public sealed class MemberConnectionTests(PostgresSchema schema) : MemberStoreTest(schema)
{
    [Fact]
    public async Task Release_WakesTheOthersButNotItself()
    {
        var (firstStore, secondStore) = (Open(), Open());
        var (first, second) = (NewMember("cart"), NewMember("cart"));
        await JoinAsync(secondStore, second);
        await JoinAsync(firstStore, first);
        await secondStore.WaitForChangeAsync(Cancellation).WaitAsync(Soon, Cancellation);
        await secondStore.ReleaseAsync(second.Id, SlotsOf("cart"), Cancellation);
        await firstStore.WaitForChangeAsync(Cancellation).WaitAsync(Soon, Cancellation);
        await firstStore.ClaimAsync(first.Id, SlotsOf("cart"), Cancellation);
        var others = secondStore.WaitForChangeAsync(Cancellation);
        Assert.False(others.IsCompleted);

        await firstStore.ReleaseAsync(first.Id, SlotsOf("cart"), Cancellation);

        await others.WaitAsync(Soon, Cancellation);
        await AssertNothingHeardAsync(firstStore, first);
        Assert.Equal(0, await CountSlotsAsync(first.Id));
    }

    [Fact]
    public async Task EveryChangeOfMembers_WakesTheOthers()
    {
        var (watcher, changing) = (Open(), Open());
        var (watching, changed) = (NewMember("cart"), NewMember("cart"));
        await JoinAsync(watcher, watching);

        await WakesAsync(() => JoinAsync(changing, changed));
        await WakesAsync(() => changing.RenewAsync(changed.Id, isLeaving: true, Long, Cancellation));
        await WakesAsync(() => changing.LeaveAsync(changed.Id, Cancellation));

        async Task WakesAsync(Func<Task> change)
        {
            var waiting = watcher.WaitForChangeAsync(Cancellation);
            Assert.False(waiting.IsCompleted);
            await change();
            await waiting.WaitAsync(Soon, Cancellation);
        }
    }

    [Fact]
    public async Task MereRenewal_WakesNobody()
    {
        var (watcher, renewing) = (Open(), Open());
        var (watching, renewed) = (NewMember("cart"), NewMember("cart"));
        await JoinAsync(renewing, renewed);
        await JoinAsync(watcher, watching);

        await renewing.RenewAsync(renewed.Id, isLeaving: false, Long, Cancellation);

        await AssertNothingHeardAsync(watcher, watching);
    }

    [Fact]
    public async Task KilledConnection_EndsTheWaitAndTheNextCallOpensAnother()
    {
        var (member, store) = (NewMember("cart"), Open());
        await JoinAsync(store, member);
        var waiting = store.WaitForChangeAsync(Cancellation);

        await KillMemberConnectionAsync();
        await waiting.WaitAsync(Soon, Cancellation);

        await AssertWaitsUntilCancelledAsync(store);
        Assert.NotNull(await store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));
        waiting = store.WaitForChangeAsync(Cancellation);
        await JoinAsync(Open(), NewMember("cart"));
        await waiting.WaitAsync(Soon, Cancellation);
    }

    [Fact]
    public async Task CallOverKilledConnection_IsUnavailableAndTheNextWaitReturnsAtOnce()
    {
        var (member, store) = (NewMember("cart"), Open());
        await JoinAsync(store, member);
        await KillMemberConnectionAsync();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));

        await store.WaitForChangeAsync(Cancellation).WaitAsync(Soon, Cancellation);
        Assert.NotNull(await store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));
    }

    [Fact]
    public async Task CancelledWait_LeavesTheConnectionUsable()
    {
        var (member, store) = (NewMember("cart"), Open());
        await JoinAsync(store, member);
        var backend = await MemberBackendAsync();
        for (var round = 0; round < 10; round++)
        {
            await AssertWaitsUntilCancelledAsync(store);
            Assert.NotNull(await store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));
        }

        Assert.Equal(backend, await MemberBackendAsync());
    }

    [Fact]
    public async Task MissingTablesAndUnreachableServer_AreUnavailable()
    {
        var withoutTables = OpenStore(configure: options => options.SchemaName = "t_" + Guid.NewGuid().ToString("N"));
        var unreachable = OpenStore(configure: options => options.ConnectionString = "Host=127.0.0.1;Port=9;Username=nobody;Database=none;Timeout=1");
        foreach (var store in new[] { withoutTables.Members, unreachable.Members })
        {
            var member = NewMember("cart");
            await Assert.ThrowsAsync<StoreUnavailableException>(() => JoinAsync(store, member));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ClaimAsync(member.Id, SlotsOf("cart"), Cancellation));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReleaseAsync(member.Id, SlotsOf("cart"), Cancellation));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => store.LeaveAsync(member.Id, Cancellation));
        }
    }

    [Fact]
    public async Task CancelledCall_ThrowsOperationCanceled()
    {
        var (member, store) = (NewMember("cart"), Open());
        await JoinAsync(store, member);
        await using var connection = await Schema.Database.OpenConnectionAsync(Cancellation);
        await using var append = await LockAsync(connection, member.Id);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        impatient.CancelAfter(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.LeaveAsync(member.Id, impatient.Token).WaitAsync(Soon, Cancellation));

        await append.RollbackAsync(Cancellation);
        Assert.NotNull(await store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));
    }

    /// <summary>What the server has to tell a connection arrives with its next answer at the latest.</summary>
    private static async Task AssertNothingHeardAsync(IMemberStore store, Member member)
    {
        await store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation);
        await AssertWaitsUntilCancelledAsync(store);
    }

    private static async Task AssertWaitsUntilCancelledAsync(IMemberStore store)
    {
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var waiting = store.WaitForChangeAsync(cancelled.Token);
        Assert.False(waiting.IsCompleted);
        await cancelled.CancelAsync();
        await waiting.WaitAsync(Soon, Cancellation);
    }

    /// <summary>The server process of the only connection of this test's only store.</summary>
    private Task<int> MemberBackendAsync() => Schema.QueryAsync<int>($"select pid from pg_stat_activity where application_name = '{Application}'");

    private async Task KillMemberConnectionAsync() =>
        Assert.True(await Schema.QueryAsync<bool>($"select pg_terminate_backend({await MemberBackendAsync()}, 10000)"));
}
