using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Ownership;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do. Tests use entities of their own, so that they can share a database.</summary>
public abstract class EntityStoreContract : IAsyncLifetime
{
    private static readonly CommandIdWindow AllCommands = new(1000, DateTimeOffset.UnixEpoch);
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private IEntityStore _store = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens a store over the database of the test class, with its schema; the previous one has been disposed of.</summary>
    private protected abstract Task<IEntityStore> OpenAsync(StoredTypes types);

    private protected static StoredTypes Types(params MessageDescriptor[] types) => new(types);

    private protected static EntityKey NewKey(string suffix = "") => new("ledger", Guid.NewGuid().ToString("N") + suffix);

    private protected static EntityAppend Append(EntityKey key, long expectedVersion, params long[] amounts) =>
        new(key, expectedVersion) { Events = [.. amounts.Select(Added)] };

    private protected static CommandRecord Record(string id, DateTimeOffset? handledAt = null) =>
        new(id, "ledger.Ledger/Add", -7, 0, "", ByteString.CopyFromUtf8("reply"), handledAt ?? Noon);

    private protected static IMessage Added(long amount) => new AmountAdded { Text = $"\"é\" {amount}", Amount = amount };

    public async ValueTask InitializeAsync() => _store = await OpenAsync(Types(AmountAdded.Descriptor, LedgerState.Descriptor));

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task NewEntity_IsEmpty()
    {
        var entity = await Load(NewKey());

        Assert.Null(entity.Snapshot);
        Assert.Empty(entity.Events);
        Assert.Empty(entity.RecentCommands);
        Assert.Equal(0, entity.Version);
    }

    [Fact]
    public async Task AppendedEvents_AreLoadedInOrder()
    {
        var key = NewKey();

        await Write(Append(key, 0, 5, 0, long.MaxValue));

        var entity = await Load(key);
        Assert.Equal([Added(5), Added(0), Added(long.MaxValue)], entity.Events);
        Assert.Equal(3, entity.Version);
    }

    [Fact]
    public async Task SuccessiveAppends_Accumulate()
    {
        var key = NewKey();

        await Write(Append(key, 0, 1));
        await Write(Append(key, 1, 2, 3));
        await Write(Append(key, 3, 4));

        Assert.Equal([Added(1), Added(2), Added(3), Added(4)], (await Load(key)).Events);
    }

    [Theory]
    [InlineData("/with/slashes")]
    [InlineData("'quote\"back\\slash%_?:$1@p")]
    [InlineData("ünïcødé-日本-😀")]
    [InlineData(" spaces ")]
    public async Task KeyWithUnusualCharacters_IsItsOwnEntity(string suffix)
    {
        var key = NewKey(suffix);
        var other = key with { EntityId = key.EntityId.ToUpperInvariant() + "x" };

        await Write(Append(key, 0, 1) with { Commands = [Record(suffix)], Snapshot = new StoredSnapshot(1, new LedgerState { Balance = 1 }) });

        var entity = await Load(key);
        Assert.Equal(1, entity.Version);
        Assert.Equal(suffix, Assert.Single(entity.RecentCommands).CommandId);
        Assert.Equal(0, (await Load(other)).Version);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task WrongExpectedVersion_ConflictsAndNothingOfTheBatchIsWritten(long wrongVersion)
    {
        var (key, innocent, snapshotted) = (NewKey(), NewKey(), NewKey());
        await Write(Append(key, 0, 1, 2));

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(
            Append(innocent, 0, 1) with { Commands = [Record("c1")] },
            Append(key, wrongVersion, 3),
            Append(snapshotted, 0, 9) with { Snapshot = new StoredSnapshot(1, new LedgerState { Balance = 9 }) }));

        Assert.Equal(2, (await Load(key)).Version);
        var untouched = await Load(innocent);
        Assert.Equal(0, untouched.Version);
        Assert.Empty(untouched.RecentCommands);
        Assert.Null((await Load(snapshotted)).Snapshot);
    }

    [Fact]
    public async Task ExpectedVersionOfEntityThatDoesNotExist_Conflicts()
    {
        var key = NewKey();

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Append(key, 1, 5)));

        Assert.Equal(0, (await Load(key)).Version);
    }

    [Fact]
    public async Task AppendWithoutEvents_ChecksTheVersion()
    {
        var (key, unwritten, innocent) = (NewKey(), NewKey(), NewKey());
        await Write(Append(key, 0, 1));

        await Write(
            Append(key, 1) with { Commands = [Record("rejected")] },
            Append(unwritten, 0) with { Commands = [Record("rejected")] });
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Append(key, 0) with { Commands = [Record("c2")] }, Append(innocent, 0, 1)));
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Append(unwritten, 1) with { Commands = [Record("c2")] }));

        Assert.Equal("rejected", Assert.Single((await Load(key)).RecentCommands).CommandId);
        Assert.Equal("rejected", Assert.Single((await Load(unwritten)).RecentCommands).CommandId);
        Assert.Equal(0, (await Load(innocent)).Version);
    }

    [Fact]
    public async Task ManyWritersOfOneVersion_ExactlyOneWins()
    {
        var key = NewKey();
        for (var version = 0; version < 3; version++)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => TryWrite(Append(key, version, writer))));

            Assert.Equal(1, outcomes.Count(written => written));
        }

        Assert.Equal(3, (await Load(key)).Version);

        async Task<bool> TryWrite(EntityAppend append)
        {
            try
            {
                await Task.Run(() => Write(append), Cancellation);
                return true;
            }
            catch (VersionConflictException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Snapshot_IsLoadedWithTheEventsAfterIt()
    {
        var key = NewKey();
        var state = new LedgerState { Balance = 3, Texts = { "a", "'b\"" } };

        await Write(Append(key, 0, 1, 2, 3) with { Snapshot = new StoredSnapshot(2, state) });
        await Write(Append(key, 3, 4));

        var entity = await Load(key);
        Assert.Equal(new StoredSnapshot(2, state), entity.Snapshot);
        Assert.Equal([Added(3), Added(4)], entity.Events);
        Assert.Equal(4, entity.Version);
    }

    [Fact]
    public async Task LaterSnapshot_ReplacesTheEarlier()
    {
        var key = NewKey();

        await Write(Append(key, 0, 1) with { Snapshot = new StoredSnapshot(1, new LedgerState { Balance = 1 }) });
        await Write(Append(key, 1, 2) with { Snapshot = new StoredSnapshot(2, new LedgerState()) });

        var entity = await Load(key);
        Assert.Equal(new StoredSnapshot(2, new LedgerState()), entity.Snapshot);
        Assert.Empty(entity.Events);
    }

    [Fact]
    public async Task BatchOverManyEntities_IsWrittenWhole()
    {
        var keys = Enumerable.Range(0, 300).Select(_ => NewKey()).ToArray();

        await Write([.. keys.Select((key, i) => Append(key, 0, i, i + 1) with { Commands = [Record("c")], Snapshot = new StoredSnapshot(1, new LedgerState { Balance = i }) })]);
        await Write([.. keys.Select((key, i) => Append(key, 2, i + 2))]);

        foreach (var (i, key) in keys.Index().Where(item => item.Index % 50 == 0))
        {
            var entity = await Load(key);
            Assert.Equal([Added(i + 1), Added(i + 2)], entity.Events);
            Assert.Single(entity.RecentCommands);
        }
    }

    [Fact]
    public async Task ParallelAppends_ToDifferentEntitiesAllSucceed()
    {
        var keys = Enumerable.Range(0, 16).Select(_ => NewKey()).ToArray();

        await Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancellation }, async (key, _) =>
        {
            await Write(Append(key, 0, 1));
            await Write(Append(key, 1, 2) with { Commands = [Record("c")] });
        });

        foreach (var key in keys)
        {
            Assert.Equal(2, (await Load(key)).Version);
        }
    }

    [Fact]
    public async Task CommandRecord_IsFoundById()
    {
        var (key, other) = (NewKey(), NewKey());
        var record = new CommandRecord(
            "id'1", "ledger.Ledger/Add", long.MinValue, 9, "not \"now\"", ByteString.CopyFrom(0, 1, 255), Noon.AddTicks(10))
        { Details = ByteString.CopyFrom(7, 0) };

        await Write(Append(key, 0, 1) with { Commands = [record, Record("id2")] });

        Assert.Equal(record, await _store.FindCommandAsync(key, "id'1", Cancellation));
        Assert.Equal(Record("id2"), await _store.FindCommandAsync(key, "id2", Cancellation));
        Assert.Null(await _store.FindCommandAsync(key, "id3", Cancellation));
        Assert.Null(await _store.FindCommandAsync(other, "id2", Cancellation));
    }

    [Fact]
    public async Task CommandIdUsedTwice_Conflicts()
    {
        var (key, other) = (NewKey(), NewKey());
        await Write(Append(key, 0, 1) with { Commands = [Record("once")] });

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Append(key, 1, 2) with { Commands = [Record("once")] }));
        await Write(Append(other, 0, 1) with { Commands = [Record("once")] });

        Assert.Equal(1, (await Load(key)).Version);
    }

    [Fact]
    public async Task KeepCommands_TrimsToTheLatestOfThisEntity()
    {
        var (key, other) = (NewKey(), NewKey());
        await Write(Append(key, 0, 1) with { Commands = [Record("a"), Record("b"), Record("c")] }, Append(other, 0, 1) with { Commands = [Record("a"), Record("b")] });

        await Write(Append(key, 1, 2) with { Commands = [Record("d")], KeepCommands = 2 });

        Assert.Equal(["c", "d"], (await Load(key)).RecentCommands.Select(command => command.CommandId));
        Assert.Null(await _store.FindCommandAsync(key, "b", Cancellation));
        Assert.Equal(2, (await Load(other)).RecentCommands.Count);
    }

    [Fact]
    public async Task CommandIdWindow_LimitsByCountAndTime()
    {
        var key = NewKey();
        var records = Enumerable.Range(0, 5).Select(minute => Record($"c{minute}", Noon.AddMinutes(minute))).ToArray();
        await Write(Append(key, 0, 1) with { Commands = records });

        Assert.Equal(["c3", "c4"], await Window(new CommandIdWindow(2, Noon)));
        Assert.Equal(["c2", "c3", "c4"], await Window(new CommandIdWindow(10, Noon.AddMinutes(2))));
        Assert.Empty(await Window(new CommandIdWindow(0, Noon)));
        Assert.Equal(Noon.AddMinutes(4), (await Load(key)).RecentCommands[^1].HandledAt);

        async Task<IEnumerable<string>> Window(CommandIdWindow window) =>
            (await _store.LoadAsync(key, EntityKind.EventSourced, window, Cancellation)).RecentCommands.Select(command => command.CommandId);
    }

    [Fact]
    public async Task ForgetCommands_DeletesTheOldOfAllEntities()
    {
        // Long before the records of the tests that run at the same time.
        var before = new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var (key, other) = (NewKey(), NewKey());
        await Write(Append(key, 0, 1) with { Commands = [Record("old", before.AddTicks(-10)), Record("new", before)] });
        await Write(Append(other, 0, 1) with { Commands = [Record("old", before.AddYears(-1))] });

        await _store.ForgetAsync(before, Cancellation);

        Assert.Equal("new", Assert.Single((await Load(key)).RecentCommands).CommandId);
        Assert.Empty((await Load(other)).RecentCommands);
        Assert.Equal(1, (await Load(key)).Version);
    }

    [Fact]
    public async Task CancelledToken_ThrowsOperationCanceledAndNothingIsWritten()
    {
        var key = NewKey();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _store.AppendAsync([Append(key, 0, 1)], memberId: null, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _store.LoadAsync(key, EntityKind.EventSourced, AllCommands, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _store.FindCommandAsync(key, "c", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _store.CheckAsync(cancelled.Token));

        Assert.Equal(0, (await Load(key)).Version);
    }

    [Fact]
    public async Task DeletedEntity_StartsAnewAfterTheDeletion()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1, 2) with { Snapshot = new StoredSnapshot(2, new LedgerState { Balance = 3 }) });

        await Write(new EntityAppend(key, 2) { Events = [Added(3), new EntityDeleted(), Added(4)] });
        var deleted = await Load(key);
        await Write(Append(key, 5, 5) with { Snapshot = new StoredSnapshot(6, new LedgerState { Balance = 9 }) });

        Assert.Null(deleted.Snapshot);
        Assert.Equal([new EntityDeleted(), Added(4)], deleted.Events);
        Assert.Equal(5, deleted.Version);
        Assert.Equal(new StoredSnapshot(6, new LedgerState { Balance = 9 }), (await Load(key)).Snapshot);
    }

    [Fact]
    public async Task DeletionWithLaterSnapshot_KeepsThatSnapshot()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1) with { Snapshot = new StoredSnapshot(1, new LedgerState { Balance = 1 }) });

        await Write(new EntityAppend(key, 1) { Events = [new EntityDeleted(), Added(4)], Snapshot = new StoredSnapshot(3, new LedgerState { Balance = 4 }) });

        var entity = await Load(key);
        Assert.Equal(new StoredSnapshot(3, new LedgerState { Balance = 4 }), entity.Snapshot);
        Assert.Empty(entity.Events);
    }

    [Fact]
    public async Task PrimitiveAndJsonEvents_AreLoadedAsTheyWere()
    {
        var key = NewKey();
        object[] events =
        [
            "text \"é\"", 42, long.MinValue, 1.5f, 0.1, true, ByteString.CopyFrom(0, 255), new JsonNote("é", [1, 2]), "",
        ];
        await ReopenWith(new StoredTypes([.. events.Select(value => new StoredTypeUse(value.GetType()))], JsonNotes.Default.Options));

        await Write(new EntityAppend(key, 0) { Events = events, Snapshot = new StoredSnapshot(1, "snapshot") });

        var entity = await Load(key);
        Assert.Equal("snapshot", entity.Snapshot?.State);
        Assert.Equal(events[1..].Where(value => value is not JsonNote), entity.Events.Where(value => value is not JsonNote));
        Assert.Equivalent(new JsonNote("é", [1, 2]), entity.Events.OfType<JsonNote>().Single());
    }

    [Fact]
    public async Task Value_IsReplacedAndDeleted()
    {
        var key = NewKey();
        Assert.Equal(0, (await LoadValue(key)).Version);

        await Write(Value(key, 0, 1, 5) with { Commands = [Record("c1")] });
        var first = await LoadValue(key);
        await Write(Value(key, 1, 4, 6));
        var second = await LoadValue(key);
        await Write(new EntityAppend(key, 4) { Kind = EntityKind.Value, Value = new ValueChange(5, null, Noon) });
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
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(new EntityAppend(key, wrongVersion) { Kind = EntityKind.Value, Commands = [Record("c")] }, Append(events, 0, 1)));

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
            new EntityAppend(key, 1) { Kind = EntityKind.Value, Commands = [Record("c")] },
            new EntityAppend(unwritten, 0) { Kind = EntityKind.Value, Commands = [Record("c")] });

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

        await _store.ForgetAsync(before, Cancellation);

        Assert.Equal(0, (await LoadValue(expired)).Version);
        Assert.Equal(before.AddSeconds(1), (await LoadValue(expiring)).Snapshot?.ExpiresAt);
        Assert.Null((await LoadValue(lasting)).Snapshot?.ExpiresAt);
        Assert.Equal(1, (await LoadValue(lasting)).Version);
    }

    [Fact]
    public async Task Outbox_IsReadInOrderUntilRemoved()
    {
        var (key, other) = (NewKey(), NewKey());
        var type = $"type-{key.EntityId}";
        var (first, second, elsewhere) = (Entry(key, 3), Entry(key, 3), Entry(other, 4));

        await Write(Append(key, 0, 1) with { Outbox = [first, second] }, new EntityAppend(other, 0) { Kind = EntityKind.Value, Outbox = [elsewhere] });

        Assert.Equal([first, second], await ReadAsync(3));
        Assert.Equal([first, second, elsewhere], (await ReadAsync(3, 4)).OrderBy(entry => entry.SlotNumber));
        await _store.RemoveFromOutboxAsync([first.Id], Cancellation);
        Assert.Equal([second], await ReadAsync(3));

        OutboxEntry Entry(EntityKey origin, int slot) =>
            new(Guid.NewGuid(), origin with { EntityType = type }, slot, "ledger.Ledger/Add", ByteString.CopyFrom(0, 1, 255));

        async Task<IEnumerable<OutboxEntry>> ReadAsync(params int[] slots) =>
            await _store.ReadOutboxAsync([.. slots.Select(slot => new Slot(type, slot))], Cancellation);
    }

    [Fact]
    public async Task FailedBatch_LeavesNothingInTheOutbox()
    {
        var (key, other) = (NewKey(), NewKey());

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(
            Append(key, 0, 1) with { Outbox = [new OutboxEntry(Guid.NewGuid(), key with { EntityType = key.EntityId }, 0, "m", ByteString.Empty)] }, Append(other, 9, 1)));

        Assert.Empty(await _store.ReadOutboxAsync([new Slot(key.EntityId, 0)], Cancellation));
    }

    [Fact]
    public async Task Check_PassesWithSchema() => await _store.CheckAsync(Cancellation);

    [Fact]
    public async Task MigratingAgain_KeepsEverything()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1) with { Commands = [Record("c")] });

        await _store.MigrateAsync(Cancellation);

        var entity = await Load(key);
        Assert.Equal(1, entity.Version);
        Assert.Single(entity.RecentCommands);
    }

    private protected Task Write(params EntityAppend[] batch) => _store.AppendAsync(batch, memberId: null, Cancellation);

    private protected Task<StoredEntity> Load(EntityKey key) => _store.LoadAsync(key, EntityKind.EventSourced, AllCommands, Cancellation);

    private protected Task<StoredEntity> LoadValue(EntityKey key) => _store.LoadAsync(key, EntityKind.Value, AllCommands, Cancellation);

    private protected Task ReopenWith(params MessageDescriptor[] types) => ReopenWith(Types(types));

    private protected async Task ReopenWith(StoredTypes types)
    {
        await _store.DisposeAsync();
        _store = await OpenAsync(types);
    }

    private static EntityAppend Value(EntityKey key, long expectedVersion, long version, long balance, DateTimeOffset? expiresAt = null) => new(key, expectedVersion)
    {
        Kind = EntityKind.Value,
        Value = new ValueChange(version, new LedgerState { Balance = balance }, expiresAt),
    };
}

/// <summary>An event that is stored as JSON.</summary>
internal sealed record JsonNote(string Text, int[] Numbers);

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonNote))]
internal sealed partial class JsonNotes : System.Text.Json.Serialization.JsonSerializerContext;
