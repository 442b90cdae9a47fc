using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do with events, snapshots and the records of commands, and all else.</summary>
public abstract class EntityStoreContract : ValueStoreContract
{
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
    public async Task EntitiesLoadedAtTheSameTime_AreEachTheirOwn()
    {
        var keys = Enumerable.Range(0, 200).Select(number => NewKey($"/{number}")).ToArray();
        await Write([.. keys.Index().Where(entity => entity.Index % 3 > 0).Select(entity => new EntityAppend(entity.Item, new EventsChange(0, [Added(entity.Index), Added(entity.Index + 1)])
        {
            Snapshot = entity.Index % 3 == 1 ? new StoredSnapshot(1, new LedgerState { Balance = entity.Index }) : null,
        })
        {
            Commands = [Record($"first of {entity.Index}"), Record($"second of {entity.Index}")],
        })]);

        var entities = await Task.WhenAll(keys.Select(Load));

        Assert.All(entities.Index(), loaded =>
        {
            var (index, entity) = loaded;
            Assert.Equal(index % 3 > 0 ? 2 : 0, entity.Version);
            Assert.Equal(index % 3 == 1 ? new LedgerState { Balance = index } : null, entity.Snapshot?.State);
            Assert.Equal((index % 3) switch { 0 => [], 1 => [Added(index + 1)], _ => (object[])[Added(index), Added(index + 1)] }, entity.Events);
            Assert.Equal(index % 3 > 0 ? [$"first of {index}", $"second of {index}"] : [], entity.RecentCommands.Select(command => command.CommandId));
        });
    }

    [Fact]
    public async Task ChecksAndLoadsAtTheSameTime_LeaveEachOtherAlone()
    {
        var key = NewKey();
        await Write(Append(key, 0, 5));

        await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancellation }, async (number, cancellation) =>
        {
            if (number % 2 == 0)
            {
                await Store.CheckAsync(cancellation);
            }
            else
            {
                Assert.Equal([Added(5)], (await Load(key)).Events);
            }
        });
    }

    [Fact]
    public async Task LongStream_IsLoadedInOrder_WhateverItsEventsSay()
    {
        var key = NewKey();
        object[] events = [.. Enumerable.Range(1, 700).Select(number => new AmountAdded { Amount = number, Text = $"{number} a\nb\r\n\t\u2028\u0085\\n" })];

        await Write(Append(key, 0, events[..300]));
        await Write(Append(key, 300, events[300..]));

        Assert.Equal(events, (await Load(key)).Events);
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
        var other = key with { Key = key.Key.ToUpperInvariant() + "x" };

        await Write(Append(key, 0, 1).WithSnapshot(1, new LedgerState { Balance = 1 }) with { Commands = [Record(suffix)] });

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
            Append(snapshotted, 0, 9).WithSnapshot(1, new LedgerState { Balance = 9 })));

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

        await Write(Append(key, 0, 1, 2, 3).WithSnapshot(2, state));
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

        await Write(Append(key, 0, 1).WithSnapshot(1, new LedgerState { Balance = 1 }));
        await Write(Append(key, 1, 2).WithSnapshot(2, new LedgerState()));

        var entity = await Load(key);
        Assert.Equal(new StoredSnapshot(2, new LedgerState()), entity.Snapshot);
        Assert.Empty(entity.Events);
    }

    [Fact]
    public async Task BatchOverManyEntities_IsWrittenWhole()
    {
        var keys = Enumerable.Range(0, 300).Select(_ => NewKey()).ToArray();

        await Write([.. keys.Select((key, i) => Append(key, 0, i, i + 1).WithSnapshot(1, new LedgerState { Balance = i }) with { Commands = [Record("c")] })]);
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

        Assert.Equal(record, await Store.FindCommandAsync(key, "id'1", Cancellation));
        Assert.Equal(Record("id2"), await Store.FindCommandAsync(key, "id2", Cancellation));
        Assert.Null(await Store.FindCommandAsync(key, "id3", Cancellation));
        Assert.Null(await Store.FindCommandAsync(other, "id2", Cancellation));
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
        Assert.Null(await Store.FindCommandAsync(key, "b", Cancellation));
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
            (await Store.LoadAsync(key, StoredAs.Events, window, Cancellation)).RecentCommands.Select(command => command.CommandId);
    }

    [Fact]
    public async Task ForgetCommands_DeletesTheOldOfAllEntities()
    {
        // Long before the records of the tests that run at the same time.
        var before = new DateTimeOffset(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var (key, other) = (NewKey(), NewKey());
        await Write(Append(key, 0, 1) with { Commands = [Record("old", before.AddTicks(-10)), Record("new", before)] });
        await Write(Append(other, 0, 1) with { Commands = [Record("old", before.AddYears(-1))] });

        await Store.ForgetAsync(before, Cancellation);

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

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.AppendAsync([Append(key, 0, 1)], memberId: null, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.LoadAsync(key, StoredAs.Events, AllCommands, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.FindCommandAsync(key, "c", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.CheckAsync(cancelled.Token));

        Assert.Equal(0, (await Load(key)).Version);
    }

    [Fact]
    public async Task DeletedEntity_StartsAnewAfterTheDeletion()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1, 2).WithSnapshot(2, new LedgerState { Balance = 3 }));

        await Write(new EntityAppend(key, new EventsChange(2, [Added(3), new EntityDeleted(), Added(4)])));
        var deleted = await Load(key);
        await Write(Append(key, 5, 5).WithSnapshot(6, new LedgerState { Balance = 9 }));

        Assert.Null(deleted.Snapshot);
        Assert.Equal([new EntityDeleted(), Added(4)], deleted.Events);
        Assert.Equal(5, deleted.Version);
        Assert.Equal(new StoredSnapshot(6, new LedgerState { Balance = 9 }), (await Load(key)).Snapshot);
    }

    [Fact]
    public async Task DeletionWithLaterSnapshot_KeepsThatSnapshot()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1).WithSnapshot(1, new LedgerState { Balance = 1 }));

        await Write(new EntityAppend(key, new EventsChange(1, [new EntityDeleted(), Added(4)]) { Snapshot = new StoredSnapshot(3, new LedgerState { Balance = 4 }) }));

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

        await Write(new EntityAppend(key, new EventsChange(0, events) { Snapshot = new StoredSnapshot(1, "snapshot") }));

        var entity = await Load(key);
        Assert.Equal("snapshot", entity.Snapshot?.State);
        Assert.Equal(events[1..].Where(value => value is not JsonNote), entity.Events.Where(value => value is not JsonNote));
        Assert.Equivalent(new JsonNote("é", [1, 2]), entity.Events.OfType<JsonNote>().Single());
    }

    [Fact]
    public async Task Check_PassesWithSchema() => await Store.CheckAsync(Cancellation);

    [Fact]
    public async Task MigratingAgain_KeepsEverything()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1) with { Commands = [Record("c")] });

        await Store.MigrateAsync(Cancellation);

        var entity = await Load(key);
        Assert.Equal(1, entity.Version);
        Assert.Single(entity.RecentCommands);
    }

}

/// <summary>An event that is stored as JSON.</summary>
internal sealed record JsonNote(string Text, int[] Numbers);

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonNote))]
internal sealed partial class JsonNotes : System.Text.Json.Serialization.JsonSerializerContext;
