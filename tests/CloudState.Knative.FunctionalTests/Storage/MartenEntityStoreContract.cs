using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Marten;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What is true of PostgreSQL whichever way the store appends to Marten's tables.</summary>
/// <param name="schema">The schema of the test class.</param>
/// <param name="setBased">One statement per batch, or a Marten session.</param>
public abstract class MartenEntityStoreContract(PostgresSchema schema, bool setBased) : DurableEntityStoreContract, IClassFixture<PostgresSchema>
{
    private protected override Task<IEntityStore> OpenAsync(StoredTypes types) => Task.FromResult<IEntityStore>(Open(types));

    [Fact]
    public async Task StoredMessages_AreReadableBySql()
    {
        var key = NewKey();
        await Write(Append(key, 0, 5).WithSnapshot(1, new LedgerState { Balance = 5, Texts = { "a" } }));

        Assert.Equal(
            """cloudstate.tests.ledger.AmountAdded  1 {"text": "\"é\" 5", "amount": "5"}""",
            await schema.QueryAsync<string>($"select type || ' ' || mt_dotnet_type || ' ' || version || ' ' || data from {schema.Name}.mt_events where stream_id = '{key}'"));
        Assert.Equal(
            $$"""{"Id": "{{key}}", "State": {"texts": ["a"], "balance": "5"}, "Version": 1, "StateType": "cloudstate.tests.ledger.LedgerState"}""",
            await schema.QueryAsync<string>($"select data::text from {schema.Name}.mt_doc_entitysnapshot where id = '{key}'"));
    }

    [Fact]
    public async Task PlainMarten_ReadsStreamsAndSnapshots()
    {
        var key = NewKey();
        await Write(Append(key, 0, 5, 6).WithSnapshot(2, new LedgerState { Balance = 11 }));
        using var marten = DocumentStore.For(options =>
        {
            options.Connection(PostgresSchema.ConnectionString);
            options.DatabaseSchemaName = schema.Name;
            options.UseCloudStateEvents(AmountAdded.Descriptor, LedgerState.Descriptor);
        });
        await using var session = marten.LightweightSession();

        var events = await session.Events.FetchStreamAsync(key.ToString(), token: Cancellation);
        var snapshot = await session.Query<EntitySnapshot>().SingleAsync(document => document.Id == key.ToString(), Cancellation);
        session.Store(new Note { Id = key.ToString(), Text = "not protobuf" });
        await session.SaveChangesAsync(Cancellation);

        Assert.Equal([Added(5), Added(6)], events.Select(e => e.Data));
        Assert.Equal(new LedgerState { Balance = 11 }, snapshot.State);
        Assert.Equal("not protobuf", (await session.LoadAsync<Note>(key.ToString(), Cancellation))?.Text);
    }

    [Fact]
    public async Task Upcaster_AppliesToOldEvents()
    {
        var key = NewKey();
        await Write(Append(key, 0, 5));
        await using var upcasting = Open(
            Types(LedgerState.Descriptor, AmountAdded.Descriptor),
            options => options.Configure = marten => marten.Events.Upcast<AmountAdded, LedgerState>(
                AmountAdded.Descriptor.FullName, old => new LedgerState { Balance = old.Amount }));

        var entity = await upcasting.LoadAsync(key, StoredAs.Events, new CommandIdWindow(0, DateTimeOffset.UnixEpoch), Cancellation);

        Assert.Equal([new LedgerState { Balance = 5 }], entity.Events.Cast<LedgerState>());
    }

    [Fact]
    public async Task Conflict_LeavesNoTrace()
    {
        var (key, other) = (NewKey(), NewKey());
        await Write(Append(key, 0, 1));

        await Assert.ThrowsAsync<VersionConflictException>(() => Write(Append(other, 0, 1), Append(key, 0, 2)));

        // What Marten adds are tombstones in a stream of its own, which tell its daemon about unused sequence numbers.
        Assert.Equal(1L, await schema.QueryAsync<long>($"select count(*) from {schema.Name}.mt_streams where id in ('{key}', '{other}')"));
        Assert.Equal(1L, await schema.QueryAsync<long>($"select count(*) from {schema.Name}.mt_events where stream_id in ('{key}', '{other}')"));
    }

    [Fact]
    public async Task StreamWithMissingEvent_IsUnreadable()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1, 2, 3));
        await schema.QueryAsync<object>($"delete from {schema.Name}.mt_events where stream_id = '{key}' and version = 2");

        await Assert.ThrowsAsync<UnreadableEntityException>(() => Load(key));
    }

    [Fact]
    public async Task EventWithALineBreakInItsType_FailsNoOtherThatIsLoadedWithIt()
    {
        var (bad, good) = (NewKey(), NewKey());
        await Write(Append(bad, 0, 1, 2), Append(good, 0, 1, 2));
        await schema.QueryAsync<object>($"update {schema.Name}.mt_events set type = E'line\\nbreak' where stream_id = '{bad}'");

        var loads = Enumerable.Range(0, 40).Select(number => Load(number % 2 == 0 ? bad : good)).ToArray();

        Assert.All(await Task.WhenAll(loads.Where((_, number) => number % 2 == 1)), entity => Assert.Equal(2, entity.Version));
        foreach (var load in loads.Where((_, number) => number % 2 == 0))
        {
            await Assert.ThrowsAsync<UnreadableEntityException>(() => load);
        }

        // Other tests read all events of the schema.
        await schema.QueryAsync<object>($"update {schema.Name}.mt_events set type = '{AmountAdded.Descriptor.FullName}' where stream_id = '{bad}'");
        Assert.Equal(2, (await Load(bad)).Version);
    }

    [Fact]
    public async Task SnapshotBeyondTheStream_IsUnreadable()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1).WithSnapshot(2, new LedgerState()));

        await Assert.ThrowsAsync<UnreadableEntityException>(() => Load(key));
    }

    [Theory]
    [InlineData("Version", "has no version")]
    [InlineData("State", "has no state")]
    [InlineData("StateType", "of type ''")]
    public async Task SnapshotThatLacksSomething_IsUnreadable(string property, string complaint)
    {
        var key = NewKey();
        await Write(Append(key, 0, 1).WithSnapshot(1, new LedgerState { Balance = 1 }));
        await schema.QueryAsync<object>($"update {schema.Name}.mt_doc_entitysnapshot set data = data - '{property}' where id = '{key}'");

        var unreadable = await Assert.ThrowsAsync<UnreadableEntityException>(() => Load(key));
        Assert.Contains(complaint, unreadable.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ArchivedStream_IsUnreadable()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1));
        await schema.QueryAsync<object>($"update {schema.Name}.mt_streams set is_archived = true where id = '{key}'");

        await Assert.ThrowsAsync<UnreadableEntityException>(() => Load(key));
    }

    [Fact]
    public async Task KeyThatPostgresRefuses_FailsNoOtherThatIsLoadedWithIt()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1));

        var good = Enumerable.Range(0, 20).Select(_ => Load(key)).ToList();
        var bad = Load(NewKey("\0"));
        good.AddRange(Enumerable.Range(0, 20).Select(_ => Load(key)));

        await Assert.ThrowsAsync<UnstorableDataException>(() => bad);
        Assert.All(await Task.WhenAll(good), entity => Assert.Equal(1, entity.Version));
    }

    [Fact]
    public async Task NulCharacter_IsUnstorable()
    {
        var (key, innocent) = (NewKey(), NewKey());
        var poisoned = Append(key, 0, (object[])[new AmountAdded { Text = "a\0b" }]);

        await Assert.ThrowsAsync<UnstorableDataException>(() => Write(Append(innocent, 0, 1), poisoned));

        Assert.Equal(0, (await Load(innocent)).Version);
    }

    [Fact]
    public async Task CancelledWhileWaitingForALock_ThrowsOperationCanceledAndWritesNothing()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1));
        await using var connection = await schema.Database.OpenConnectionAsync(Cancellation);
        await using var blocker = await connection.BeginTransactionAsync(Cancellation);
        await using (var update = connection.CreateCommand())
        {
            update.CommandText = $"update {schema.Name}.mt_streams set version = version where id = '{key}'";
            await update.ExecuteNonQueryAsync(Cancellation);
        }

        await using var store = Open(Types(AmountAdded.Descriptor));
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        impatient.CancelAfter(TimeSpan.FromMilliseconds(300));
        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.AppendAsync([Append(key, 1, 2)], memberId: null, impatient.Token));
        Assert.Equal(impatient.Token, failure.CancellationToken);

        await blocker.RollbackAsync(Cancellation);
        await Write(Append(key, 1, 3));
        await store.AppendAsync([Append(key, 2, 4)], memberId: null, Cancellation);
        Assert.Equal([Added(1), Added(3), Added(4)], (await Load(key)).Events);
    }

    private MartenEntityStore Open(StoredTypes types, Action<MartenStoreOptions>? configure = null)
    {
        var options = new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = schema.Name, UseMartenSessions = !setBased };
        if (!setBased)
        {
            options.Configure = _ => { };
        }

        configure?.Invoke(options);
        return new MartenEntityStore(options, new ClusterOptions(), types);
    }

    public sealed class Note
    {
        public required string Id { get; init; }

        public required string Text { get; init; }
    }
}
