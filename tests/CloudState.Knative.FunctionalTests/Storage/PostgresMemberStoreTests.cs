using CloudState.Knative.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>Who takes part, and who owns what.</summary>
public sealed class PostgresMemberStoreTests(PostgresSchema schema) : MemberStoreTest(schema)
{
    [Fact]
    public async Task AloneMember_OwnsAllSlotsOfItsTypesAtOnce()
    {
        var member = NewMember("cart", "order");

        var (members, claimed) = await JoinAsync(Open(), member);

        Assert.Equal(SlotsOf("cart").Concat(SlotsOf("order")), claimed.Order(BySlot));
        Assert.Equal([(member.Id, member.Revision, member.Address, member.Secret, "[cart, 4],[order, 5]", false)], members.All.Select(Fields));
        Assert.Null(members.NextExpiry);
        Assert.Equal(2 * SlotCount, await CountSlotsAsync(member.Id));
    }

    [Fact]
    public async Task Members_HaveTheLowestFreeSeats()
    {
        var (first, second, third, fourth) = (NewMember("cart"), NewMember("cart"), NewMember("cart"), NewMember("cart"));
        var store = Open();
        foreach (var member in (Member[])[first, second, third])
        {
            await JoinAsync(store, member);
        }

        await store.LeaveAsync(second.Id, Cancellation);
        var (members, _) = await JoinAsync(store, fourth);

        Assert.Equal([(first.Id, 1), (fourth.Id, 2), (third.Id, 3)], members.All.Select(member => (member.Id, member.Seat)).OrderBy(seat => seat.Seat));
        Assert.Equal(members.All, (await store.RenewAsync(first.Id, isLeaving: false, Long, Cancellation))!.All, (one, other) => (one.Id, one.Seat) == (other.Id, other.Seat));
    }

    [Fact]
    public async Task ConcurrentJoins_GiveEachMemberASeatOfItsOwn()
    {
        var joins = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => JoinAsync(Open(), NewMember("cart")), Cancellation)));

        Assert.Equal(Enumerable.Range(1, 6), joins.MaxBy(join => join.Members.All.Count).Members.All.Select(member => member.Seat).Order());
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
        var refusal = await Assert.ThrowsAsync<PostgresException>(() => Schema.QueryAsync<object>(
            $"insert into {Schema.Name}.cloudstate_slots (entity_type, slot, owner) values ('cart', 0, '{Guid.NewGuid()}')"));

        Assert.Equal(PostgresErrorCodes.ForeignKeyViolation, refusal.SqlState);
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

        Assert.Contains("CloudState:Cluster:Slots is 16", refusal.Message);
        Assert.Contains("has 8 slots", refusal.Message);
        Assert.Contains($"delete the row of {Schema.Name}.cloudstate_ring", refusal.Message);
        Assert.Equal(previous.Id, await Schema.QueryAsync<Guid>($"select member_id from {Schema.Name}.cloudstate_members"));
        Assert.Equal(SlotCount, await CountSlotsAsync(previous.Id));
        await JoinAsync(store, NewMember("cart"));
    }

    private static (Guid, string, string, string, string, bool) Fields(Member member) =>
        (member.Id, member.Revision, member.Address, member.Secret, string.Join(',', member.EntityTypes), member.IsLeaving);
}
