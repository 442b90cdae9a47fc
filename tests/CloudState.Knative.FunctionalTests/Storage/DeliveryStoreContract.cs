using System.Text;
using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do with the journal, the checkpoints of its consumers, timers, and what is parked.</summary>
public abstract class DeliveryStoreContract : StoreContract
{
    private static readonly Slot AnySlot = new("any", 0);

    [Fact]
    public async Task Journal_HasTheEventsOfASlotByTheirPositions()
    {
        var (a, other) = (NewTyped(), NewTyped("other"));
        var b = a with { Key = "b" };

        await Write(Numbered(Append(a, 0, 1, 2), slot: 3, after: 0), Numbered(Append(other, 0, 9), slot: 3, after: 0));
        await Write(Numbered(Append(b, 0, 3), slot: 3, after: 2), Numbered(Append(b with { Key = "c" }, 0, 8), slot: 4, after: 0));
        await Write(Numbered(Append(a, 2, 4), slot: 3, after: 3));

        var events = await ReadAsync(a.Type, 3);
        Assert.Equal([(1, a, 1L), (2, a, 2L), (3, b, 1L), (4, a, 3L)], events.Select(journaled => ((int)journaled.Position, journaled.Origin, journaled.Sequence)));
        Assert.All(events, journaled => Assert.Equal((3, AmountAdded.Descriptor.FullName), (journaled.SlotNumber, journaled.TypeName)));
        Assert.Contains("\"amount\"", Encoding.UTF8.GetString(events[0].Json.Span), StringComparison.Ordinal);
        Assert.Equal([4L], (await ReadAsync(a.Type, 3, after: 3)).Select(Amount));
        Assert.Equal([8L], (await ReadAsync(a.Type, 4)).Select(Amount));
        Assert.Empty(await ReadAsync(a.Type, 5));
    }

    [Fact]
    public async Task Journal_IsReadInBatchesOfEachSlot()
    {
        var key = NewTyped();
        await Write(Numbered(Append(key, 0, 1, 2, 3), slot: 3, after: 0), Numbered(Append(key with { Key = "b" }, 0, 4, 5, 6), slot: 4, after: 0));

        var events = await Store.Journal.ReadAsync(key.Type, new Dictionary<int, long> { [3] = 0, [4] = 1, [5] = 0 }, 2, Cancellation);

        Assert.Equal([(3, 1L), (3, 2L), (4, 5L), (4, 6L)], events.Select(journaled => (journaled.SlotNumber, Amount(journaled))));
    }

    [Fact]
    public async Task Journal_KeepsTheEventsOfDeletedEntities()
    {
        var key = NewTyped();
        await Write(Numbered(Append(key, 0, 1), slot: 3, after: 0));
        await Write(Numbered(Append(key, 1, [new EntityDeleted(), Added(2)]), slot: 3, after: 1));

        Assert.Equal(
            [AmountAdded.Descriptor.FullName, EntityDeleted.Descriptor.FullName, AmountAdded.Descriptor.FullName],
            (await ReadAsync(key.Type, 3)).Select(journaled => journaled.TypeName));
    }

    [Fact]
    public async Task PositionThatIsTaken_FailsTheBatch()
    {
        var (a, b) = (NewTyped(), NewTyped());
        b = b with { Type = a.Type, Key = "b" };
        await Write(Numbered(Append(a, 0, 1), slot: 3, after: 0));

        await Assert.ThrowsAnyAsync<Exception>(() => Write(Numbered(Append(b, 0, 2), slot: 3, after: 0)));

        Assert.Equal([1L], (await ReadAsync(a.Type, 3)).Select(Amount));
        Assert.Empty((await Load(b)).Events);
    }

    [Fact]
    public async Task Open_NumbersWhatHasNoPosition_BehindWhatHasOne()
    {
        var a = NewTyped();
        var (b, elsewhere) = (a with { Key = "b" }, a with { Key = "slot 4" });
        await Write(Append(a, 0, 1, 2));
        await Write(Append(b, 0, 3), Append(elsewhere, 0, 8));

        Assert.Equal([(3, 3L), (5, 0L)], await OpenAsync(a.Type, 3, 5));
        Assert.Equal([1L, 2L, 3L], (await ReadAsync(a.Type, 3)).Select(Amount));
        Assert.Empty(await ReadAsync(a.Type, 4));

        await Write(Append(a, 2, 4));
        await Write(Numbered(Append(b, 1, 5), slot: 3, after: 3));
        Assert.Equal([(3, 5L)], await OpenAsync(a.Type, 3));
        Assert.Equal([(3, 5L), (4, 1L)], await OpenAsync(a.Type, 3, 4));
        Assert.Equal([1L, 2L, 3L, 5L, 4L], (await ReadAsync(a.Type, 3)).Select(Amount));
        Assert.Equal([8L], (await ReadAsync(a.Type, 4)).Select(Amount));
    }

    [Fact]
    public async Task Open_AfterAMark_NumbersOnlyWhatIsNew()
    {
        var key = NewTyped();
        await Write(Numbered(Append(key, 0, 1, 2), slot: 3, after: 0));
        await Store.Journal.MarkNumberedAsync(key.Type, new Dictionary<int, long> { [3] = 2 }, memberId: null, Cancellation);
        await Write(Numbered(Append(key, 2, 3), slot: 3, after: 2));
        await Write(Append(key, 3, 4));

        Assert.Equal([(3, 4L)], await OpenAsync(key.Type, 3));
        Assert.Equal([1L, 2L, 3L, 4L], (await ReadAsync(key.Type, 3)).Select(Amount));
    }

    [Fact]
    public async Task Checkpoints_OnlyAdvance()
    {
        var consumer = Guid.NewGuid().ToString();

        Assert.Empty(await Store.Journal.ReadCheckpointsAsync(consumer, "ledger", [3, 4], Cancellation));
        await Store.Journal.SaveCheckpointsAsync(consumer, "ledger", new Dictionary<int, long> { [3] = 7, [4] = 9 }, Cancellation);
        await Store.Journal.SaveCheckpointsAsync(consumer, "ledger", new Dictionary<int, long> { [3] = 8, [4] = 1 }, Cancellation);

        Assert.Equal([(3, 8L), (4, 9L)], Pairs(await Store.Journal.ReadCheckpointsAsync(consumer, "ledger", [3, 4, 5], Cancellation)));
        Assert.Equal([(4, 9L)], Pairs(await Store.Journal.ReadCheckpointsAsync(consumer, "ledger", [4], Cancellation)));
        Assert.Empty(await Store.Journal.ReadCheckpointsAsync(consumer, "other", [3, 4], Cancellation));
    }

    [Fact]
    public async Task PositionsBeforeATime_AreFound()
    {
        var key = NewTyped();
        var start = DateTimeOffset.UtcNow;
        await Write(Numbered(Append(key, 0, 1, 2), slot: 3, after: 0));

        Assert.Equal([(3, 0L)], await FindAsync(start.AddMinutes(-5)));
        Assert.Equal([(3, 2L)], await FindAsync(start.AddMinutes(5)));

        async Task<IEnumerable<(int, long)>> FindAsync(DateTimeOffset before) =>
            Pairs(await Store.Journal.FindPositionsAsync(key.Type, [3], before, Cancellation)).DefaultIfEmpty((3, 0));
    }

    [Fact]
    public async Task Timers_AreSetReplacedAndCancelledWithTheirCommands()
    {
        var key = NewTyped();
        var (early, late, kept) = (Timer(key, "a", 1), Timer(key, "a", 5), Timer(key, "b", 9));

        await Write(Append(key, 0, 1) with { Timers = [Set(early), Set(kept), Set(Timer(key, "c", 2))] });
        await Write(Append(key, 1, 2) with { Timers = [Set(late), new TimerChange("c", null), new TimerChange("unknown", null)] });

        var (due, next) = await ReadTimersAsync(key, minutes: 6);
        Assert.Equal([late], due);
        Assert.Equal(kept.DueAt, next);
        await Store.Timers.RemoveAsync([early.Id, kept.Id], Cancellation);
        (due, next) = await ReadTimersAsync(key, minutes: 20);
        Assert.Equal([late], due);
        Assert.Null(next);
    }

    [Fact]
    public async Task FailedBatch_SetsNoTimer()
    {
        var (key, other) = (NewTyped(), NewTyped());

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Append(key, 0, 1) with { Timers = [Set(Timer(key, "a", 1))] }, Append(other, 9, 1)));

        Assert.Empty((await ReadTimersAsync(key, minutes: 20)).Due);
    }

    [Fact]
    public async Task Timers_OfValueEntities_AndOfCommandsThatChangeNothing_AreStored()
    {
        var (value, unchanged) = (NewTyped(), NewTyped());

        await Write(
            new EntityAppend(value, new ValueChange(0, null)) { Timers = [Set(Timer(value, "a", 1))] }, Append(unchanged, 0) with { Timers = [Set(Timer(unchanged, "a", 1))] });

        Assert.Single((await ReadTimersAsync(value, minutes: 2)).Due);
        Assert.Single((await ReadTimersAsync(unchanged, minutes: 2)).Due);
    }

    [Fact]
    public async Task Orders_AreKeptPerEntityAndStream()
    {
        var (key, other) = (NewTyped(), NewTyped());

        await Write(Append(key, 0, 1) with { Orders = [new EventOrder("/shop ann", 1), new EventOrder("/shop bob", 7)] });
        await Write(Append(key, 1) with { Orders = [new EventOrder("/shop ann", 2), new EventOrder("expired", 3) { ExpiresAt = Noon.AddYears(-1) }, new EventOrder("kept", 4) { ExpiresAt = DateTimeOffset.UtcNow.AddDays(1) }] });
        await Store.ForgetAsync(DateTimeOffset.UnixEpoch, Cancellation);

        Assert.Equal(2, await Store.FindSequenceAsync(key, "/shop ann", Cancellation));
        Assert.Equal(7, await Store.FindSequenceAsync(key, "/shop bob", Cancellation));
        Assert.Equal(0, await Store.FindSequenceAsync(other, "/shop ann", Cancellation));
        Assert.Equal(0, await Store.FindSequenceAsync(key, "expired", Cancellation));
        Assert.Equal(4, await Store.FindSequenceAsync(key, "kept", Cancellation));
    }

    [Fact]
    public async Task Parked_AreKeptInOrderUntilRemoved()
    {
        var key = NewTyped();
        var (first, second) = (Parked(key, "lane"), Parked(key, "lane") with { Attempts = 0 });

        Assert.False(await Store.Parked.TryParkBehindAsync(second, Cancellation));
        await Store.Parked.ParkAsync(first, Cancellation);
        await Store.Parked.ParkAsync(first with { Error = "again" }, Cancellation);
        Assert.False(await Store.Parked.TryParkBehindAsync(second with { Lane = "other" }, Cancellation));
        Assert.True(await Store.Parked.TryParkBehindAsync(second, Cancellation));
        Assert.True(await Store.Parked.TryParkBehindAsync(second, Cancellation));

        Assert.Equal([first, second], (await Store.Parked.ReadAsync(1000, Cancellation)).Where(parked => parked.Origin == key));
        Assert.Equal([("lane", key)], await Store.Parked.ReadOriginsAsync([new Slot(key.Type, 3)], Cancellation));
        Assert.Empty(await Store.Parked.ReadOriginsAsync([AnySlot], Cancellation));
        await Store.Parked.UpdateAsync(first.Id, "worse", 12, Cancellation);
        Assert.Equal(first with { Error = "worse", Attempts = 12 }, await Store.Parked.FindAsync(first.Id, Cancellation));
        Assert.True(await Store.Parked.RemoveAsync(first.Id, Cancellation));
        Assert.False(await Store.Parked.RemoveAsync(first.Id, Cancellation));
        Assert.Equal(second, await Store.Parked.ReadFirstAsync("lane", key, Cancellation));
        Assert.Null(await Store.Parked.ReadFirstAsync("other", key, Cancellation));
    }

    private protected Task<IReadOnlyList<JournalEvent>> ReadAsync(string entityType, int slot, long after = 0) =>
        Store.Journal.ReadAsync(entityType, new Dictionary<int, long> { [slot] = after }, 100, Cancellation);

    /// <summary>The events of the append get the next positions of a slot.</summary>
    private protected static EntityAppend Numbered(EntityAppend append, int slot, long after) => append.State is EventsChange { } change
        ? append with { Journal = [.. change.Events.Select((_, index) => new JournalEntry(slot, after + index + 1, change.ExpectedVersion + index + 1))] }
        : throw new ArgumentException("Only events have positions.", nameof(append));

    /// <summary>Opens slots, where the key says which slot it is in: "slot 4" in slot 4, all others in slot 3.</summary>
    private protected async Task<IEnumerable<(int Slot, long Last)>> OpenAsync(string entityType, params int[] slots) =>
        Pairs(await Store.Journal.OpenAsync(entityType, slots, key => key == "slot 4" ? 4 : 3, memberId: null, Cancellation));

    private protected static long Amount(JournalEvent logged) => AmountAdded.Parser.ParseJson(Encoding.UTF8.GetString(logged.Json.Span)).Amount;

    /// <summary>A key of a type that no other test uses.</summary>
    private protected static EntityId NewTyped(string prefix = "ledger") => new($"{prefix}-{Guid.NewGuid():N}", "id/with 'é'");

    private static IEnumerable<(int Slot, long Position)> Pairs(IReadOnlyDictionary<int, long> positions) =>
        positions.Select(pair => (pair.Key, pair.Value)).Order();

    private Task<ComingTimers> ReadTimersAsync(EntityId key, int minutes) =>
        Store.Timers.ReadAsync([new Slot(key.Type, 3)], Noon.AddMinutes(minutes), Cancellation);

    private static TimerChange Set(StoredTimer timer) => new(timer.Name, timer);

    private static StoredTimer Timer(EntityId key, string name, int minutes) =>
        new(Guid.NewGuid(), key, 3, name, Noon.AddMinutes(minutes), "ledger.Ledger/Add", ByteString.CopyFrom(0, 1, 255));

    private static ParkedDelivery Parked(EntityId key, string lane) =>
        new(Guid.NewGuid().ToString(), lane, key, 3, ByteString.CopyFrom(0, 1, 255), "INVALID_ARGUMENT: é", 1, Noon);
}
