using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do with values, and with calls that are to be made.</summary>
public abstract class ValueStoreContract : ReplicaStoreContract
{
    [Fact]
    public async Task Value_IsReplacedAndDeleted()
    {
        var key = NewKey();
        Assert.Equal(0, (await LoadValue(key)).Version);

        await Write(Value(key, 0, 1, 5) with { Commands = [Record("c1")] });
        var first = await LoadValue(key);
        await Write(Value(key, 1, 4, 6));
        var second = await LoadValue(key);
        await Write(new EntityAppend(key, new ValueChange(4, new StoredValue(5, null, Noon))));
        var deleted = await LoadValue(key);
        await Write(Value(key, 5, 6, 7));

        Assert.Equal(new StoredSnapshot(1, new LedgerState { Balance = 5 }), first.Snapshot);
        Assert.Equal("c1", Assert.Single(first.RecentCommands).CommandId);
        Assert.Equal(new StoredSnapshot(4, new LedgerState { Balance = 6 }), second.Snapshot);
        Assert.Null(deleted.Snapshot);
        Assert.Equal(5, deleted.Version);
        Assert.Equal(new StoredSnapshot(6, new LedgerState { Balance = 7 }), (await LoadValue(key)).Snapshot);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task ValueAtWrongVersion_ConflictsAndNothingOfTheBatchIsWritten(long wrongVersion)
    {
        var (key, innocent, events) = (NewKey(), NewKey(), NewKey());
        await Write(Value(key, 0, 2, 5));

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Value(innocent, 0, 1, 1), Append(events, 0, 1), Value(key, wrongVersion, wrongVersion + 1, 6)));
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(new EntityAppend(key, new ValueChange(wrongVersion, null)) { Commands = [Record("c")] }, Append(events, 0, 1)));

        Assert.Equal(new StoredSnapshot(2, new LedgerState { Balance = 5 }), (await LoadValue(key)).Snapshot);
        Assert.Equal(0, (await LoadValue(innocent)).Version);
        Assert.Equal(0, (await Load(events)).Version);
    }

    [Fact]
    public async Task ValueWithoutChange_KeepsTheRecordOfTheCommand()
    {
        var (key, unwritten) = (NewKey(), NewKey());
        await Write(Value(key, 0, 1, 5));

        await Write(
            new EntityAppend(key, new ValueChange(1, null)) { Commands = [Record("c")] },
            new EntityAppend(unwritten, new ValueChange(0, null)) { Commands = [Record("c")] });

        Assert.Equal("c", Assert.Single((await LoadValue(key)).RecentCommands).CommandId);
        Assert.Equal("c", Assert.Single((await LoadValue(unwritten)).RecentCommands).CommandId);
    }

    [Fact]
    public async Task ExpiredValue_IsForgottenInTime()
    {
        var before = new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var (expired, expiring, lasting) = (NewKey(), NewKey(), NewKey());
        await Write(
            Value(expired, 0, 1, 1, expiresAt: before.AddSeconds(-1)),
            Value(expiring, 0, 1, 2, expiresAt: before.AddSeconds(1)),
            Value(lasting, 0, 1, 3));

        await Store.ForgetAsync(before, Cancellation);

        Assert.Equal(0, (await LoadValue(expired)).Version);
        Assert.Equal(before.AddSeconds(1), (await LoadValue(expiring)).Snapshot?.ExpiresAt);
        Assert.Null((await LoadValue(lasting)).Snapshot?.ExpiresAt);
        Assert.Equal(1, (await LoadValue(lasting)).Version);
    }

    [Fact]
    public async Task Outbox_IsReadInOrderUntilRemoved()
    {
        var (key, other) = (NewKey(), NewKey());
        var type = $"type-{key.Key}";
        var (first, second, elsewhere) = (Entry(key, 3), Entry(key, 3), Entry(other, 4));

        await Write(Append(key, 0, 1) with { Outbox = [first, second] }, new EntityAppend(other, new ValueChange(0, null)) { Outbox = [elsewhere] });

        Assert.Equal([first, second], await ReadAsync(3));
        Assert.Equal([first, second, elsewhere], (await ReadAsync(3, 4)).OrderBy(entry => entry.SlotNumber));
        await Store.Outbox.RemoveAsync([first.Id], Cancellation);
        Assert.Equal([second], await ReadAsync(3));

        OutboxEntry Entry(EntityId origin, int slot) =>
            new(Guid.NewGuid(), origin with { Type = type }, slot, "ledger.Ledger/Add", ByteString.CopyFrom(0, 1, 255));

        async Task<IEnumerable<OutboxEntry>> ReadAsync(params int[] slots) =>
            await Store.Outbox.ReadAsync([.. slots.Select(slot => new Slot(type, slot))], Cancellation);
    }

    [Fact]
    public async Task FailedBatch_LeavesNothingInTheOutbox()
    {
        var (key, other) = (NewKey(), NewKey());

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(
            Append(key, 0, 1) with { Outbox = [new OutboxEntry(Guid.NewGuid(), key with { Type = key.Key }, 0, "m", ByteString.Empty)] }, Append(other, 9, 1)));

        Assert.Empty(await Store.Outbox.ReadAsync([new Slot(key.Key, 0)], Cancellation));
    }

    private protected Task<StoredEntity> LoadValue(EntityId key) => Store.LoadAsync(key, StoredAs.Value, AllCommands, Cancellation);

    private static EntityAppend Value(EntityId key, long expectedVersion, long version, long balance, DateTimeOffset? expiresAt = null) =>
        new(key, new ValueChange(expectedVersion, new StoredValue(version, new LedgerState { Balance = balance }, expiresAt)));
}
