using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Hosting;
using CloudState.Knative.Marten;
using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;
using Marten;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>Members and slots, seen by several stores side by side. Each test begins with an empty ring.</summary>
public sealed class PostgresMemberStoreTests(PostgresSchema schema) : IClassFixture<PostgresSchema>, IAsyncLifetime
{
    private const int SlotCount = 8;
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Ended = TimeSpan.FromMilliseconds(-1);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly string _application = Guid.NewGuid().ToString("N");
    private readonly List<MartenEntityStore> _stores = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        await schema.QueryAsync<object>($"truncate {schema.Name}.cloudstate_members, {schema.Name}.cloudstate_slots, {schema.Name}.cloudstate_ring");

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task AloneMember_OwnsAllSlotsOfItsTypesAtOnce()
    {
        var member = NewMember("cart", "order");

        var (members, claimed) = await JoinAsync(Open(), member);

        Assert.Equal(SlotsOf("cart").Concat(SlotsOf("order")), claimed.Order(BySlot));
        Assert.Equal([(member.Id, member.Revision, member.Address, member.Secret, "cart,order", false)], members.All.Select(Fields));
        Assert.Null(members.NextExpiry);
        Assert.Equal(2 * SlotCount, await CountSlotsAsync(member.Id));
    }

    [Fact]
    public async Task SecondMember_ClaimsOnlyTypesThatNobodyElseHas()
    {
        var (first, second) = (NewMember("cart"), NewMember("cart", "order"));
        await JoinAsync(Open(), first);

        var (members, claimed) = await JoinAsync(Open(), second);

        Assert.Equal(SlotsOf("order"), claimed.Order(BySlot));
        Assert.Equal(new[] { first.Id, second.Id }.Order(), members.All.Select(member => member.Id));
        Assert.InRange(members.NextExpiry!.Value, Long / 2, Long);
    }

    [Fact]
    public async Task JoinBesideLeavingMember_ClaimsWhatIsFree()
    {
        var leaving = NewMember("cart");
        var store = Open();
        await JoinAsync(store, leaving);
        await store.RenewAsync(leaving.Id, isLeaving: true, Long, Cancellation);
        await store.ReleaseAsync(leaving.Id, [new Slot("cart", 3)], Cancellation);

        var (members, claimed) = await JoinAsync(Open(), NewMember("cart"));

        Assert.Equal([new Slot("cart", 3)], claimed);
        Assert.True(members.All.Single(member => member.Id == leaving.Id).IsLeaving);
    }

    [Fact]
    public async Task Claim_GetsOnlyFreeSlots()
    {
        var (firstStore, secondStore) = (Open(), Open());
        var (first, second) = (NewMember("cart"), NewMember("cart"));
        await JoinAsync(firstStore, first);
        await JoinAsync(secondStore, second);
        await firstStore.ReleaseAsync(first.Id, [new Slot("cart", 5), new Slot("cart", 2)], Cancellation);

        var claimed = await secondStore.ClaimAsync(second.Id, [new Slot("cart", 5), new Slot("cart", 4), new Slot("cart", 2)], Cancellation);

        Assert.Equal([new Slot("cart", 2), new Slot("cart", 5)], claimed.Order(BySlot));
        Assert.Empty(await firstStore.ClaimAsync(first.Id, [new Slot("cart", 2)], Cancellation));
        Assert.Equal(2, await CountSlotsAsync(second.Id));
    }

    [Fact]
    public async Task ConcurrentJoinsOfAnEmptyRing_GiveEachSlotToOne()
    {
        var members = Enumerable.Range(0, 6).Select(_ => NewMember("cart", "order")).ToArray();

        var joins = await Task.WhenAll(members.Select(member => Task.Run(() => JoinAsync(Open(), member), Cancellation)));

        Assert.Equal(SlotsOf("cart").Concat(SlotsOf("order")), joins.SelectMany(join => join.Claimed).Order(BySlot));
        Assert.Single(joins, join => join.Claimed.Count > 0);
    }

    [Fact]
    public async Task ConcurrentClaims_GiveEachSlotToOne()
    {
        var leaver = NewMember("cart");
        var leaverStore = Open();
        await JoinAsync(leaverStore, leaver);
        var claimers = Enumerable.Range(0, 4).Select(_ => (Store: Open(), Member: NewMember("cart"))).ToArray();
        foreach (var (store, member) in claimers)
        {
            await JoinAsync(store, member);
        }

        await leaverStore.LeaveAsync(leaver.Id, Cancellation);
        var claims = await Task.WhenAll(claimers.Select((claimer, i) => Task.Run(
            () => claimer.Store.ClaimAsync(claimer.Member.Id, [.. i % 2 == 0 ? SlotsOf("cart") : SlotsOf("cart").Reverse()], Cancellation), Cancellation)));

        Assert.Equal(SlotsOf("cart"), claims.SelectMany(claimed => claimed).Order(BySlot));
    }

    [Fact]
    public async Task MemberWhoseLeaseHasEnded_IsDeletedByTheRenewalOfAnother()
    {
        var (survivor, crashed) = (NewMember("cart"), NewMember("order"));
        var store = Open();
        await JoinAsync(store, survivor);
        await JoinAsync(Open(), crashed, lease: TimeSpan.FromMilliseconds(100));

        await UntilAsync(async () => (await store.RenewAsync(survivor.Id, isLeaving: false, Long, Cancellation))!.All.Count == 1);

        Assert.Equal(SlotCount, (await store.ClaimAsync(survivor.Id, SlotsOf("order"), Cancellation)).Count);
    }

    [Fact]
    public async Task MemberWhoseLeaseHasEnded_IsDeletedByAJoinAndItsSlotsAreClaimed()
    {
        await JoinAsync(Open(), NewMember("cart"), lease: Ended);

        var (members, claimed) = await JoinAsync(Open(), NewMember("cart"));

        Assert.Single(members.All);
        Assert.Equal(SlotCount, claimed.Count);
    }

    [Fact]
    public async Task RejoiningProcess_TakesOverFromItsPreviousSelf()
    {
        var (previous, next) = (NewMember("cart"), NewMember("cart"));
        var store = Open();
        await JoinAsync(store, previous);

        var (members, claimed) = await store.JoinAsync(next, [previous.Id], Long, SlotCount, Cancellation);

        Assert.Equal(next.Id, Assert.Single(members.All).Id);
        Assert.Equal(SlotCount, claimed.Count);
    }

    [Fact]
    public async Task RenewalOfLateMember_KeepsItWhenNobodyHasDeletedIt()
    {
        var (late, other) = (NewMember("cart"), NewMember("cart"));
        var (lateStore, otherStore) = (Open(), Open());
        await JoinAsync(otherStore, other);
        await JoinAsync(lateStore, late, lease: Ended);

        Assert.NotNull(await lateStore.RenewAsync(late.Id, isLeaving: false, Long, Cancellation));

        Assert.Equal(2, (await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!.All.Count);
    }

    [Fact]
    public async Task DeletedMember_CannotRenewClaimOrRelease()
    {
        var (gone, other) = (NewMember("cart"), NewMember("cart"));
        var (goneStore, otherStore) = (Open(), Open());
        await JoinAsync(goneStore, gone, lease: Ended);
        await JoinAsync(otherStore, other);

        Assert.Null(await goneStore.RenewAsync(gone.Id, isLeaving: false, Long, Cancellation));
        await Assert.ThrowsAsync<FencedException>(() => goneStore.ClaimAsync(gone.Id, SlotsOf("cart"), Cancellation));
        await Assert.ThrowsAsync<FencedException>(() => goneStore.ClaimAsync(gone.Id, SlotsOf("free"), Cancellation));
        await goneStore.ReleaseAsync(gone.Id, SlotsOf("cart"), Cancellation);

        Assert.Equal(SlotCount, await CountSlotsAsync(other.Id));
    }

    [Fact]
    public async Task ClaimOfMissingMember_IsRefusedByTheTable()
    {
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => schema.QueryAsync<object>(
            $"insert into {schema.Name}.cloudstate_slots (entity_type, slot, owner) values ('cart', 0, '{Guid.NewGuid()}')"));

        Assert.Equal(PostgresErrorCodes.ForeignKeyViolation, refusal.SqlState);
    }

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
    public async Task Leave_FreesTheSlots()
    {
        var (leaver, other) = (NewMember("cart"), NewMember("cart"));
        var (leaverStore, otherStore) = (Open(), Open());
        await JoinAsync(leaverStore, leaver);
        await JoinAsync(otherStore, other);

        await leaverStore.LeaveAsync(leaver.Id, Cancellation);

        Assert.Equal(SlotCount, (await otherStore.ClaimAsync(other.Id, SlotsOf("cart"), Cancellation)).Count);
        Assert.Single((await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!.All);
    }

    [Fact]
    public async Task AnotherSlotCount_IsRefusedAndNothingIsWritten()
    {
        var (previous, store) = (NewMember("cart"), Open());
        await JoinAsync(Open(), previous, lease: Ended);

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(
            () => store.JoinAsync(NewMember("cart"), [previous.Id], Long, slots: 16, Cancellation));

        Assert.Contains("CloudState:Ring:Slots is 16", refusal.Message);
        Assert.Contains("has 8 slots", refusal.Message);
        Assert.Contains($"delete the row of {schema.Name}.cloudstate_ring", refusal.Message);
        Assert.Equal(previous.Id, await schema.QueryAsync<Guid>($"select member_id from {schema.Name}.cloudstate_members"));
        Assert.Equal(SlotCount, await CountSlotsAsync(previous.Id));
        await JoinAsync(store, NewMember("cart"));
    }

    [Fact]
    public async Task Append_IsFencedOnceItsMemberIsDeleted()
    {
        var (member, store) = (NewMember("ledger"), OpenStore());
        var key = new EntityKey("ledger", "fenced");
        await JoinAsync(store.Members, member);
        await AppendAsync(store, member.Id, key, 0);

        await Open().LeaveAsync(member.Id, Cancellation);

        // Whatever else is wrong with them.
        await Assert.ThrowsAsync<FencedException>(() => AppendAsync(store, member.Id, key, 1));
        await Assert.ThrowsAsync<FencedException>(() => AppendAsync(store, member.Id, key, 0));
        await Assert.ThrowsAsync<FencedException>(() => store.AppendAsync([new EntityAppend(key, 7, [], null, [], null)], member.Id, Cancellation));
        Assert.Equal(1, (await store.LoadAsync(key, default, Cancellation)).Version);
    }

    [Fact]
    public async Task MemberWithAppendInFlight_LeavesAfterItsCommitAndIsNotSwept()
    {
        var (member, other) = (NewMember("cart"), NewMember("cart"));
        var (store, otherStore) = (Open(), Open());
        await JoinAsync(otherStore, other);
        await JoinAsync(store, member, lease: Ended);
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var append = await LockAsync(connection, member.Id);

        var swept = (await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!;
        var joined = await JoinAsync(Open(), NewMember("cart"));
        var leaving = store.LeaveAsync(member.Id, Cancellation);
        await UntilAsync(async () => await schema.QueryAsync<bool>(
            $"select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%{schema.Name}.cloudstate_members%')"));

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
        var key = new EntityKey("ledger", "paused");
        var pause = new PauseBeforeCommit();
        var pausedStore = OpenStore(lease: TimeSpan.FromMilliseconds(300), options => options.Configure = marten => marten.Listeners.Add(pause));
        var appending = AppendAsync(pausedStore, paused.Id, key, 0);
        await pause.Begun.Task.WaitAsync(Soon, Cancellation);

        await UntilAsync(async () => (await otherStore.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!.All.Count == 1);

        pause.Over.SetResult();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => appending.WaitAsync(Soon, Cancellation));
        Assert.Equal(0, (await pausedStore.LoadAsync(key, default, Cancellation)).Version);
        await Assert.ThrowsAsync<FencedException>(() => AppendAsync(pausedStore, paused.Id, key, 0));
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
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var append = await LockAsync(connection, member.Id);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        impatient.CancelAfter(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.LeaveAsync(member.Id, impatient.Token).WaitAsync(Soon, Cancellation));

        await append.RollbackAsync(Cancellation);
        Assert.NotNull(await store.RenewAsync(member.Id, isLeaving: false, Long, Cancellation));
    }

    private static IComparer<Slot> BySlot { get; } = Comparer<Slot>.Create(
        (left, right) => (left.EntityType, left.Number).CompareTo((right.EntityType, right.Number)));

    private static Member NewMember(params string[] entityTypes) => new(Guid.NewGuid(), "service-00001", "10.0.0.1:8081", "secret", entityTypes);

    private static Slot[] SlotsOf(string entityType) => [.. Enumerable.Range(0, SlotCount).Select(number => new Slot(entityType, number))];

    private static (Guid, string, string, string, string, bool) Fields(Member member) =>
        (member.Id, member.Revision, member.Address, member.Secret, string.Join(',', member.EntityTypes), member.IsLeaving);

    private static Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(IMemberStore store, Member member, TimeSpan? lease = null) =>
        store.JoinAsync(member, previousIds: [], lease ?? Long, SlotCount, Cancellation);

    private static Task AppendAsync(MartenEntityStore store, Guid memberId, EntityKey key, long expectedVersion) =>
        store.AppendAsync([new EntityAppend(key, expectedVersion, [new AmountAdded { Amount = 1 }], null, [], null)], memberId, Cancellation);

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

    /// <summary>Asks again and again; each question is a round trip or more.</summary>
    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(Soon);
        while (!await isSo())
        {
            deadline.Token.ThrowIfCancellationRequested();
        }
    }

    private IMemberStore Open() => OpenStore().Members;

    private MartenEntityStore OpenStore(TimeSpan? lease = null, Action<MartenStoreOptions>? configure = null)
    {
        var options = new MartenStoreOptions
        {
            ConnectionString = $"{PostgresSchema.ConnectionString};Application Name={_application}",
            SchemaName = schema.Name,
        };
        configure?.Invoke(options);
        var store = new MartenEntityStore(options, new RingOptions { Lease = lease ?? Long }, new MessageTypes([AmountAdded.Descriptor]));
        lock (_stores)
        {
            _stores.Add(store);
        }

        return store;
    }

    private async Task<NpgsqlTransaction> LockAsync(NpgsqlConnection connection, Guid memberId)
    {
        var append = await connection.BeginTransactionAsync(Cancellation);
        await using var fence = new NpgsqlCommand($"select from {schema.Name}.cloudstate_members where member_id = '{memberId}' for key share", connection, append);
        await fence.ExecuteNonQueryAsync(Cancellation);
        return append;
    }

    private Task<long> CountSlotsAsync(Guid owner) =>
        schema.QueryAsync<long>($"select count(*) from {schema.Name}.cloudstate_slots where owner = '{owner}'");

    /// <summary>The server process of the only connection of this test's only store.</summary>
    private Task<int> MemberBackendAsync() => schema.QueryAsync<int>($"select pid from pg_stat_activity where application_name = '{_application}'");

    private async Task KillMemberConnectionAsync() =>
        Assert.True(await schema.QueryAsync<bool>($"select pg_terminate_backend({await MemberBackendAsync()}, 10000)"));

    private sealed class PauseBeforeCommit : DocumentSessionListenerBase, ITransactionParticipant
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
}
