using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Xunit;
using static CloudState.Knative.FunctionalTests.Storage.ReplicaAppends;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do with replicated values.</summary>
public abstract class ReplicaStoreContract : DeliveryStoreContract
{
    [Fact]
    public async Task NewReplica_IsEmpty()
    {
        var entity = await LoadEntity(NewKey());

        Assert.Equal((0, 0), (entity.Version, entity.Size));
        Assert.Null(entity.Snapshot);
        Assert.Empty(entity.Events);
        Assert.Equal((0, null), (entity.Replica!.Epoch, entity.Replica.State));
        Assert.Empty(entity.Replica.Deltas);
    }

    [Fact]
    public async Task Deltas_AreLoadedInTheOrderOfTheirSeat()
    {
        var (key, longText) = (NewKey(), new string('b', 300));
        await Write(Adds(key, seat: 2, "other") with { Commands = [Record("first")] });
        await Write(Adds(key, seat: 1, $"a,,{longText}"));
        await Write(Adds(key, seat: 1, "d,e", after: 3));

        var entity = await LoadEntity(key);

        Assert.Equal(["a", "", longText, "d", "e"], TextsOf(entity.Replica!).Where(text => text != "other"));
        Assert.Equal(6, entity.Replica!.Deltas.Count);
        Assert.Equal("first", Assert.Single(entity.RecentCommands).CommandId);
        Assert.True(entity.Size > 300, $"{entity.Size}");
    }

    [Fact]
    public async Task AppendsOfASeat_AreLoadedInOrder()
    {
        var key = NewKey();
        for (var number = 0; number < 12; number++)
        {
            await Write(Adds(key, seat: 1, $"{number}", after: number));
        }

        Assert.Equal(Enumerable.Range(0, 12).Select(number => $"{number}"), await LoadTexts(key));
    }

    [Fact]
    public async Task TwoSeatsAtTheSameTime_BothAdd()
    {
        var key = NewKey();

        await Task.WhenAll(Write(Adds(key, seat: 1, "a")), Write(Adds(key, seat: 2, "b")));

        Assert.Equal(["a", "b"], (await LoadTexts(key)).Order());
    }

    [Fact]
    public async Task ReplicasLoadedAtTheSameTime_AreEachTheirOwn()
    {
        var keys = Enumerable.Range(0, 40).Select(number => NewKey($"/{number}")).ToArray();
        await Write([.. keys.Index().Select(entity => Adds(entity.Item, seat: 1, $"{entity.Index}"))]);

        var texts = await Task.WhenAll(keys.Select(LoadTexts));

        Assert.Equal(Enumerable.Range(0, 40).Select(number => $"{number}"), texts.Select(Assert.Single));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NumberOfASeatTwice_ConflictsAndNothingOfTheBatchIsWritten(bool isFolded)
    {
        var (key, innocent, value, events) = (NewKey(), NewKey(), NewKey(), NewKey());
        await Write(Adds(key, seat: 1, "a"));
        if (isFolded)
        {
            await Write(Folds(key, "A", epoch: 0, (1, 1)));
        }

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(
            Adds(innocent, seat: 1, "b"), Adds(key, seat: 1, "c") with { Commands = [Record("c")] }, Append(events, 0, 1),
            new EntityAppend(value, new ValueChange(0, new StoredValue(1, new LedgerState(), null)))));

        Assert.Equal(isFolded ? ["=A"] : ["a"], await LoadTexts(key));
        Assert.Empty((await LoadEntity(key)).RecentCommands);
        Assert.Empty(await LoadTexts(innocent));
        Assert.Equal(0, (await Load(events)).Version);
        Assert.Equal(0, (await Store.LoadAsync(value, StoredAs.Value, AllCommands, Cancellation)).Version);

        await Write(Adds(innocent, seat: 1, "b"));
        Assert.Equal(["b"], await LoadTexts(innocent));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task WrongEpoch_ConflictsAndNothingOfTheBatchIsWritten(long wrongEpoch)
    {
        var (key, innocent) = (NewKey(), NewKey());
        await Write(Deletes(key));
        await Write(Adds(key, seat: 1, "a", epoch: 1));

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Adds(innocent, seat: 1, "b"), Adds(key, seat: 2, "c", epoch: wrongEpoch)));
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Adds(innocent, seat: 1, "b"), Deletes(key, wrongEpoch)));

        Assert.Equal(1, (await LoadReplica(key)).Epoch);
        Assert.Equal(["a"], await LoadTexts(key));
        Assert.Empty(await LoadTexts(innocent));
    }

    [Fact]
    public async Task EpochOfAValueThatWasNeverDeleted_Conflicts()
    {
        var (key, folded) = (NewKey(), NewKey());
        await Write(Folds(folded, "A", epoch: 0, (1, 1)));

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Adds(key, seat: 1, "a", epoch: 1)));
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Adds(folded, seat: 2, "a", epoch: 1)));
        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Deletes(key, epoch: 1)));

        Assert.Equal((0, 0), ((await LoadReplica(key)).Epoch, (await LoadReplica(folded)).Epoch));
    }

    [Fact]
    public async Task DeletedValue_IsUsedAgainInTheNextEpoch()
    {
        var (key, other) = (NewKey(), NewKey());
        await Write(Folds(key, "A", epoch: 0, (1, 3)), Adds(other, seat: 1, "other"));
        await Write(Adds(key, seat: 1, "b", after: 3));

        await Write(Deletes(key));
        var deleted = await LoadReplica(key);
        await Write(Adds(key, seat: 1, "c", epoch: 1));
        var again = await LoadReplica(key);
        await Write(Deletes(key, epoch: 1, times: 2));

        Assert.Equal((1, null), (deleted.Epoch, deleted.State));
        Assert.Empty(deleted.Deltas);
        Assert.Equal((1, null), (again.Epoch, again.State));
        Assert.Equal(["c"], TextsOf(again));
        Assert.Equal(3, (await LoadReplica(key)).Epoch);
        Assert.Empty(await LoadTexts(key));
        Assert.Equal(["other"], await LoadTexts(other));
    }

    [Fact]
    public async Task DeletionsAtTheSameTime_AllButOneConflict()
    {
        var (never, folded, deleted) = (NewKey(), NewKey(), NewKey());
        await Write(Folds(folded, "A", epoch: 0, (1, 1)), Deletes(deleted));

        foreach (var (key, epoch) in new[] { (never, 0), (folded, 0), (deleted, 1) })
        {
            var failures = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ => await Xunit.Record.ExceptionAsync(() => Write(Deletes(key, epoch)))));

            Assert.Single(failures, failure => failure is null);
            Assert.Equal(3, failures.OfType<VersionConflictException>().Count());
            Assert.Equal(epoch + 1, (await LoadReplica(key)).Epoch);
        }
    }

    [Fact]
    public async Task DeletionDeltasAndFoldInOneAppend_AreOfTheNewEpoch()
    {
        var (key, unfolded) = (NewKey(), NewKey());
        await Write(Folds(key, "A", epoch: 0, (1, 3), (2, 5)), Adds(unfolded, seat: 1, "a"));

        await Write(
            With(Adds(key, seat: 1, "b,c"), change => change with { Deletions = 1, Folded = Fold("BC", (1, 2)) }),
            With(Adds(unfolded, seat: 1, "b"), change => change with { Deletions = 1 }));
        await Write(Adds(key, seat: 2, "d", epoch: 1));

        var replica = await LoadReplica(key);
        Assert.Equal((1, "=BC", "d"), (replica.Epoch, TextsOf(replica)[0], TextsOf(replica)[^1]));
        Assert.Equal(1, (await LoadReplica(unfolded)).Epoch);
        Assert.Equal(["b"], await LoadTexts(unfolded));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Fold_ReplacesTheDeltasInIt(int epoch)
    {
        var key = NewKey();
        await Write(epoch == 0 ? Adds(NewKey(), seat: 1, "other") : Deletes(key));
        await Write(Adds(key, seat: 1, "a,b", epoch: epoch));
        await Write(Adds(key, seat: 1, "c", after: 2, epoch: epoch));
        await Write(Adds(key, seat: 2, "d", epoch: epoch));

        await Write(Folds(key, "AB", epoch, (1, 2)));
        var first = await LoadTexts(key);
        await Write(With(Adds(key, seat: 3, "e", epoch: epoch), change => change with { Folded = Fold("ABCD", (1, 3), (2, 1)) }));

        Assert.Equal(["=AB", "c", "d"], first);
        Assert.Equal(["=ABCD", "e"], await LoadTexts(key));
        Assert.Equal(epoch, (await LoadReplica(key)).Epoch);
    }

    [Fact]
    public async Task FoldThatLacksWhatAnotherHasFolded_ChangesNothingButAddsItsDeltas()
    {
        var key = NewKey();
        await Write(Adds(key, seat: 1, "a"));
        await Write(Adds(key, seat: 2, "b"));
        await Write(Folds(key, "AB", epoch: 0, (1, 1), (2, 1)));
        await Write(Adds(key, seat: 1, "c", after: 1));

        await Write(With(Adds(key, seat: 3, "d"), change => change with { Folded = Fold("AC", (1, 2)) }));
        await Write(Folds(key, "old", epoch: 0, (2, 1), (1, 0)), Folds(NewKey(), "A", epoch: 0));

        Assert.Equal(["=AB", "c", "d"], await LoadTexts(key));
    }

    [Fact]
    public async Task FoldOfAnotherEpoch_ChangesNothing()
    {
        var (deleted, never) = (NewKey(), NewKey());
        await Write(Deletes(deleted), Adds(never, seat: 1, "a"));

        await Write(Folds(deleted, "A", epoch: 0, (1, 1)), Folds(never, "A", epoch: 1, (1, 1)));

        Assert.Empty(await LoadTexts(deleted));
        Assert.Equal(["a"], await LoadTexts(never));
        Assert.Equal((1, 0), ((await LoadReplica(deleted)).Epoch, (await LoadReplica(never)).Epoch));
    }

    [Fact]
    public async Task ReplicasValuesAndEvents_AreWrittenInOneBatch()
    {
        var (key, unchanged, value, events) = (NewKey(), NewKey(), NewKey(), NewKey());
        var entry = new OutboxEntry(Guid.NewGuid(), key with { Type = key.Key }, 7, "ledger.Ledger/Add", ByteString.CopyFrom(0, 1, 255));

        await Write(
            Adds(key, seat: 1, "a") with { Commands = [Record("with delta")], Outbox = [entry] },
            new EntityAppend(unchanged, new ReplicaChange(4, 4, 9)) { Commands = [Record("without")] },
            new EntityAppend(value, new ValueChange(0, new StoredValue(1, new LedgerState { Balance = 5 }, null))),
            Append(events, 0, 1, 2));

        Assert.Equal(["a"], await LoadTexts(key));
        Assert.Equal("with delta", Assert.Single((await LoadEntity(key)).RecentCommands).CommandId);
        Assert.Equal([entry], await Store.Outbox.ReadAsync([new Slot(key.Key, 7)], Cancellation));
        Assert.Equal("without", Assert.Single((await LoadEntity(unchanged)).RecentCommands).CommandId);
        Assert.Equal(0, (await LoadReplica(unchanged)).Epoch);
        Assert.Equal(1, (await Store.LoadAsync(value, StoredAs.Value, AllCommands, Cancellation)).Version);
        Assert.Equal(2, (await Load(events)).Version);
    }

    [Fact]
    public async Task RecordsOfCommandsThatChangeNothing_AreWrittenWithoutAnythingElse()
    {
        var key = NewKey();

        await Write(new EntityAppend(key, new ReplicaChange(0, 0, 0)) { Commands = [Record("read")] });

        Assert.Equal("read", Assert.Single((await LoadEntity(key)).RecentCommands).CommandId);
    }

    private Task<StoredEntity> LoadEntity(EntityId key) => Store.LoadAsync(key, StoredAs.Replica, AllCommands, Cancellation);

    private async Task<StoredReplica> LoadReplica(EntityId key) => (await LoadEntity(key)).Replica!;

    private async Task<string[]> LoadTexts(EntityId key) => TextsOf(await LoadReplica(key));
}
