using System.Text;
using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do with the log of events, the positions of its consumers, timers, and what is parked.</summary>
public abstract class DeliveryStoreContract : StoreContract
{
    private static readonly Slot AnySlot = new("any", 0);

    [Fact]
    public async Task Log_HasTheEventsOfATypeInOrder()
    {
        var (a, other) = (NewTyped(), NewTyped("other"));
        var b = a with { Key = "b" };

        await Write(Append(a, 0, 1, 2));
        await Write(Append(b, 0, 3), Append(other, 0, 9));
        await Write(Append(a, 2, 4));

        var events = await ReadLogAsync(a.Type, 0);
        Assert.Equal([(a, 1L), (a, 2L), (b, 1L), (a, 3L)], events.Select(logged => (logged.Origin, logged.Sequence)));
        Assert.Equal(events.Select(logged => logged.Position).Order().Distinct(), events.Select(logged => logged.Position));
        Assert.All(events, logged => Assert.Equal(AmountAdded.Descriptor.FullName, logged.TypeName));
        Assert.Contains("\"amount\"", Encoding.UTF8.GetString(events[0].Json.Span), StringComparison.Ordinal);
        Assert.Equal([4L], (await ReadLogAsync(a.Type, events[2].Position)).Select(logged => Amount(logged)));
    }

    [Fact]
    public async Task Log_IsReadInBatches()
    {
        var key = NewTyped();
        await Write(Append(key, 0, 1, 2, 3, 4, 5));
        var (position, amounts) = (await StartOfAsync(key), new List<long>());

        while (amounts.Count < 5)
        {
            var batch = await Store.Journal.ReadAsync(key.Type, position, 2, Cancellation);
            Assert.True(batch.Events.Count <= 2);
            amounts.AddRange(batch.Events.Select(Amount));
            position = batch.Position;
        }

        Assert.Equal([1, 2, 3, 4, 5], amounts);
    }

    [Fact]
    public async Task Log_KeepsTheEventsOfDeletedEntities()
    {
        var key = NewTyped();
        await Write(Append(key, 0, 1));
        await Write(new EntityAppend(key, 1) { Events = [new EntityDeleted(), Added(2)] });

        Assert.Equal(
            [AmountAdded.Descriptor.FullName, EntityDeleted.Descriptor.FullName, AmountAdded.Descriptor.FullName], (await ReadLogAsync(key.Type, 0)).Select(logged => logged.TypeName));
    }

    [Fact]
    public async Task Positions_OnlyAdvance()
    {
        var consumer = Guid.NewGuid().ToString();

        Assert.Empty(await Store.Journal.ReadPositionsAsync(consumer, "ledger", Cancellation));
        await Store.Journal.SavePositionsAsync(consumer, "ledger", new Dictionary<int, long> { [3] = 7, [4] = 9 }, Cancellation);
        await Store.Journal.SavePositionsAsync(consumer, "ledger", new Dictionary<int, long> { [3] = 8, [4] = 1 }, Cancellation);

        Assert.Equal([(3, 8L), (4, 9L)], (await Store.Journal.ReadPositionsAsync(consumer, "ledger", Cancellation)).Select(pair => (pair.Key, pair.Value)).Order());
        Assert.Empty(await Store.Journal.ReadPositionsAsync(consumer, "other", Cancellation));
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
            new EntityAppend(value, 0) { Kind = EntityKind.Value, Timers = [Set(Timer(value, "a", 1))] }, new EntityAppend(unchanged, 0) { Timers = [Set(Timer(unchanged, "a", 1))] });

        Assert.Single((await ReadTimersAsync(value, minutes: 2)).Due);
        Assert.Single((await ReadTimersAsync(unchanged, minutes: 2)).Due);
    }

    [Fact]
    public async Task Orders_AreKeptPerEntityAndStream()
    {
        var (key, other) = (NewTyped(), NewTyped());

        await Write(Append(key, 0, 1) with { Orders = [new EventOrder("/shop ann", 1), new EventOrder("/shop bob", 7)] });
        await Write(new EntityAppend(key, 1) { Orders = [new EventOrder("/shop ann", 2), new EventOrder("expired", 3) { ExpiresAt = Noon.AddYears(-1) }, new EventOrder("kept", 4) { ExpiresAt = DateTimeOffset.UtcNow.AddDays(1) }] });
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

    private protected async Task<IReadOnlyList<JournalEvent>> ReadLogAsync(string entityType, long after)
    {
        var (events, mayHaveMore) = (new List<JournalEvent>(), true);
        while (mayHaveMore)
        {
            (var read, after, mayHaveMore) = await Store.Journal.ReadAsync(entityType, after, 100, Cancellation);
            events.AddRange(read);
        }

        return events;
    }

    private protected static long Amount(JournalEvent logged) => AmountAdded.Parser.ParseJson(Encoding.UTF8.GetString(logged.Json.Span)).Amount;

    /// <summary>A key of a type that no other test uses.</summary>
    private protected static EntityId NewTyped(string prefix = "ledger") => new($"{prefix}-{Guid.NewGuid():N}", "id/with 'é'");

    private async Task<long> StartOfAsync(EntityId key) => (await ReadLogAsync(key.Type, 0))[0].Position - 1;

    private Task<(IReadOnlyList<StoredTimer> Due, DateTimeOffset? Next)> ReadTimersAsync(EntityId key, int minutes) =>
        Store.Timers.ReadAsync([new Slot(key.Type, 3)], Noon.AddMinutes(minutes), Cancellation);

    private static TimerChange Set(StoredTimer timer) => new(timer.Name, timer);

    private static StoredTimer Timer(EntityId key, string name, int minutes) =>
        new(Guid.NewGuid(), key, 3, name, Noon.AddMinutes(minutes), "ledger.Ledger/Add", ByteString.CopyFrom(0, 1, 255));

    private static ParkedDelivery Parked(EntityId key, string lane) =>
        new(Guid.NewGuid().ToString(), lane, key, 3, ByteString.CopyFrom(0, 1, 255), "INVALID_ARGUMENT: é", 1, Noon);
}
