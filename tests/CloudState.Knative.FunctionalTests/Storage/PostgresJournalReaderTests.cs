using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Storage;
using Marten;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>Transactions that commit late, owners that are paused within one, and what older releases and plain Marten code have stored.</summary>
public sealed class PostgresJournalReaderTests(PostgresSchema schema) : MemberStoreTest(schema)
{
    private const int Slot = 3;

    private readonly EntityId _key = new($"ledger-{Guid.NewGuid():N}", "a");

    [Fact]
    public async Task TransactionOfOtherCode_HoldsUpNoReader()
    {
        var store = OpenStore();
        await using var connection = await Schema.Database.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using (var marten = PlainMarten())
        {
            await using var session = marten.LightweightSession(global::Marten.Services.SessionOptions.ForTransaction(transaction));
            session.Events.StartStream($"{_key.Type}/held open", new AmountAdded { Amount = 9 });
            await session.SaveChangesAsync(Cancellation);
        }

        await AppendAsync(store, null, 0, 1);

        Assert.Equal([(1L, 1L)], await ReadAsync(store));
    }

    [Fact]
    public async Task OwnerThatIsPausedInItsTransaction_LeavesNoHoleAndNoPositionTwice()
    {
        var (paused, other) = (NewMember(_key.Type), NewMember(_key.Type));
        var otherStore = OpenStore();
        await JoinAsync(otherStore.Members, other);
        await JoinAsync(Open(), paused, lease: Ended);
        await AppendAsync(otherStore, other.Id, 0, 1);
        var pause = new PauseBeforeCommit();
        var pausedStore = OpenStore(lease: TimeSpan.FromMilliseconds(300), options => options.Configure = marten => marten.Listeners.Add(pause));
        var appending = AppendAsync(pausedStore, paused.Id, 1, 2);
        await pause.Begun.Task.WaitAsync(Soon, Cancellation);

        // The slot moves as soon as the member of the paused owner is gone.
        await UntilAsync(async () => (await otherStore.Members.RenewAsync(other.Id, isLeaving: false, Long, Cancellation))!.All.Count == 1);
        Assert.Equal(1, (await OpenAsync(otherStore, other.Id))[Slot]);
        await AppendAsync(otherStore, other.Id, 1, 3);

        pause.Over.SetResult();
        await Assert.ThrowsAnyAsync<Exception>(() => appending.WaitAsync(Soon, Cancellation));
        await Assert.ThrowsAsync<FencedException>(() => OpenAfterAppendAsync(pausedStore, paused.Id));
        Assert.Equal([(1L, 1L), (2L, 3L)], await ReadAsync(otherStore));
    }

    [Fact]
    public async Task EventsOfPlainMarten_GetPositionsAtTheNextTakeover_AndAreKnownWhenTheEntityIsLoaded()
    {
        var store = OpenStore();
        await AppendAsync(store, null, 0, 1);
        await using (var marten = PlainMarten())
        {
            await using var session = marten.LightweightSession();
            session.Events.Append(_key.ToString(), new AmountAdded { Amount = 2 });
            await session.SaveChangesAsync(Cancellation);
        }

        Assert.Equal([2L], (await store.LoadAsync(_key, StoredAs.Events, default, Cancellation)).Adopted);
        Assert.Equal(2, (await OpenAsync(store, null))[Slot]);

        Assert.Equal([(1L, 1L), (2L, 2L)], await ReadAsync(store));
        Assert.Empty((await store.LoadAsync(_key, StoredAs.Events, default, Cancellation)).Adopted);
    }

    [Fact]
    public async Task EventsOfPlainMarten_AreFoundAtATakeover_HoweverOftenTheOwnerHasMarked()
    {
        var (owner, successor) = (OpenStore(), OpenStore());
        Assert.Equal(0, (await OpenAsync(owner, null))[Slot]);
        await AppendAsync(owner, null, 0, 1);
        await using (var marten = PlainMarten())
        {
            await using var session = marten.LightweightSession();
            session.Events.Append(_key.ToString(), new AmountAdded { Amount = 2 });
            await session.SaveChangesAsync(Cancellation);
        }

        for (var time = 0; time < 3; time++)
        {
            await owner.Journal.MarkNumberedAsync(_key.Type, new Dictionary<int, long> { [Slot] = 1 }, memberId: null, Cancellation);
        }

        Assert.Equal(2, (await OpenAsync(successor, null))[Slot]);
        Assert.Equal([(1L, 1L), (2L, 2L)], await ReadAsync(successor));
    }

    [Fact]
    public async Task Marks_MoveOnSoThatATakeoverHasLittleToLookAt()
    {
        var store = OpenStore();
        await OpenAsync(store, null);
        await AppendAsync(store, null, 0, 1);

        for (var time = 0; time < 2; time++)
        {
            await store.Journal.MarkNumberedAsync(_key.Type, new Dictionary<int, long> { [Slot] = 1 }, memberId: null, Cancellation);
        }

        Assert.Equal(1, await Schema.QueryAsync<long>($"select position from {Schema.Name}.cloudstate_journal_slots where entity_type = '{_key.Type}' and slot = {Slot}"));
    }

    [Fact]
    public async Task EventsOfPlainMarten_GetPositionsWithTheNextAppendOfTheirEntity()
    {
        var store = OpenStore();
        await AppendAsync(store, null, 0, 1);
        await using (var marten = PlainMarten())
        {
            await using var session = marten.LightweightSession();
            session.Events.Append(_key.ToString(), new AmountAdded { Amount = 2 });
            await session.SaveChangesAsync(Cancellation);
        }

        await store.AppendAsync(
            [
                new EntityAppend(_key, new EventsChange(2, [new AmountAdded { Amount = 3 }]))
                {
                    Adopted = [2], Journal = [new JournalEntry(Slot, 2, 2, IsAdopted: true), new JournalEntry(Slot, 3, 3)],
                },
            ],
            memberId: null,
            Cancellation);

        Assert.Equal([(1L, 1L), (2L, 2L), (3L, 3L)], await ReadAsync(store));
        Assert.Equal(3, (await OpenAsync(store, null))[Slot]);
        Assert.Empty((await store.LoadAsync(_key, StoredAs.Events, default, Cancellation)).Adopted);
    }

    [Fact]
    public async Task CheckpointsOfTheLastRelease_BecomePositions_AndNothingIsSkippedOrRepeated()
    {
        var (store, consumer) = (OpenStore(), Guid.NewGuid().ToString());
        foreach (var (key, version) in new[] { ("a", 0L), ("b", 0L), ("a", 1L), ("b", 1L), ("a", 2L) })
        {
            await store.AppendAsync(
                [new EntityAppend(_key with { Key = key }, new EventsChange(version, [new AmountAdded { Amount = version }]))], memberId: null, Cancellation);
        }

        // The last release kept numbers of Marten's table. This consumer had come to the second event of 'b'.
        await Schema.QueryAsync<object>(
            $"""
            insert into {Schema.Name}.cloudstate_positions (consumer, entity_type, slot, position)
            select '{consumer}', '{_key.Type}', {Slot}, seq_id from {Schema.Name}.mt_events where stream_id = '{_key.Type}/b' and version = 2
            """);
        await OpenAsync(store, null);

        var checkpoint = (await store.Journal.ReadCheckpointsAsync(consumer, _key.Type, [Slot], Cancellation))[Slot];
        var again = (await store.Journal.ReadCheckpointsAsync(consumer, _key.Type, [Slot], Cancellation))[Slot];
        var rest = await store.Journal.ReadAsync(_key.Type, new Dictionary<int, long> { [Slot] = checkpoint }, 100, Cancellation);

        Assert.Equal((4, 4), (checkpoint, again));
        Assert.Equal([("a", 3L)], rest.Select(journaled => (journaled.Origin.Key, journaled.Sequence)));
        Assert.Equal(0, await Schema.QueryAsync<long>($"select count(*) from {Schema.Name}.cloudstate_positions where consumer = '{consumer}'"));
    }

    private DocumentStore PlainMarten() => DocumentStore.For(options =>
    {
        options.Connection(PostgresSchema.ConnectionString);
        options.DatabaseSchemaName = Schema.Name;
        options.UseCloudStateEvents(AmountAdded.Descriptor);
    });

    /// <summary>Appends an event as the next one of the entity and of the slot.</summary>
    private Task AppendAsync(MartenEntityStore store, Guid? memberId, long version, long amount) => store.AppendAsync(
        [
            new EntityAppend(_key, new EventsChange(version, [new AmountAdded { Amount = amount }])) { Journal = [new JournalEntry(Slot, version + 1, version + 1)] },
        ],
        memberId,
        Cancellation);

    private Task<IReadOnlyDictionary<int, long>> OpenAsync(MartenEntityStore store, Guid? memberId) =>
        store.Journal.OpenAsync(_key.Type, [Slot], _ => Slot, memberId, Cancellation);

    /// <summary>An owner that numbers although it is none any more.</summary>
    private async Task OpenAfterAppendAsync(MartenEntityStore store, Guid memberId)
    {
        await store.AppendAsync([new EntityAppend(_key with { Key = "unnumbered" }, new EventsChange(0, [new AmountAdded { Amount = 1 }]))], memberId: null, Cancellation);
        await OpenAsync(store, memberId);
    }

    private async Task<IEnumerable<(long Position, long Amount)>> ReadAsync(MartenEntityStore store) =>
        (await store.Journal.ReadAsync(_key.Type, new Dictionary<int, long> { [Slot] = 0 }, 100, Cancellation))
        .Select(journaled => (journaled.Position, AmountAdded.Parser.ParseJson(System.Text.Encoding.UTF8.GetString(journaled.Json.Span)).Amount));
}
