using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Storage;
using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten;
using Marten.Events.Projections;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What the store writes past Marten is what Marten would have written.</summary>
public sealed class SetBasedAppendTests(PostgresSchema schema) : MartenEntityStoreContract(schema, setBased: true)
{
    private readonly PostgresSchema _schema = schema;

    // When this fails after an upgrade of Marten: see what the new columns want, and teach AppendStatement to fill them.
    [Theory]
    [InlineData("mt_streams", "id type version timestamp created tenant_id compacted_version is_archived")]
    [InlineData("mt_events", "seq_id id stream_id version data bdata type timestamp tenant_id mt_dotnet_type is_archived")]
    [InlineData("mt_doc_entitysnapshot", "id data mt_last_modified mt_version mt_dotnet_type")]
    [InlineData("mt_doc_entityvalue", "id data mt_last_modified mt_dotnet_type mt_version expires_at")]
    public async Task MartensTables_AreThoseThatTheStatementFills(string table, string columns) => Assert.Equal(
        columns,
        await _schema.QueryAsync<string>(
            $"select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns where table_schema = '{_schema.Name}' and table_name = '{table}'"));

    [Fact]
    public Task MessagesWithoutAClass_AreTheSameInTheStore_AsThoseOfClasses() => CheckMessagesWithoutAClassAsync();

    [Fact]
    public async Task MartensRows_AreTheSameButForIdsAndTimes()
    {
        var (ours, martens) = (NewKey(), NewKey());
        await Write(Batch(ours));
        await Write(Deletion(ours));
        await using (var sessions = new MartenEntityStore(
            new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = _schema.Name, UseMartenSessions = true }, new(), Types(AmountAdded.Descriptor, LedgerState.Descriptor)))
        {
            await sessions.AppendAsync(Batch(martens), memberId: null, Cancellation);
            await sessions.AppendAsync(Deletion(martens), memberId: null, Cancellation);
        }

        foreach (var row in (string[])[
            "select to_jsonb(t) - 'id' - 'timestamp' - 'created' from {0}.mt_streams t where id = '{1}'",
            "select jsonb_agg(to_jsonb(t) - 'seq_id' - 'id' - 'stream_id' - 'timestamp' order by seq_id) from {0}.mt_events t where stream_id = '{1}'",
            "select to_jsonb(t) - 'id' - 'mt_last_modified' - 'mt_version' - 'data' from {0}.mt_doc_entitysnapshot t where id = '{1}/kept'",
            "select count(*) from {0}.mt_doc_entitysnapshot t where id = '{1}'",
            "select to_jsonb(t) - 'id' - 'mt_last_modified' || jsonb_build_object('data', t.data - 'Id') from {0}.mt_doc_entityvalue t where id = '{2}'"])
        {
            Assert.Equal(await Read(row, martens), await Read(row, ours));
        }

        static EntityAppend[] Batch(EntityId key) =>
        [
            Append(key, 0, 5, 6).WithSnapshot(2, new LedgerState { Balance = 11 }),
            Append(key with { Key = key.Key + "/kept" }, 0, 5).WithSnapshot(1, new LedgerState { Balance = 5 }),
        ];

        static EntityAppend[] Deletion(EntityId key) =>
        [
            new(key, new EventsChange(2, [new EntityDeleted(), Added(7)])),
            new(key with { Type = "value" }, new ValueChange(0, new StoredValue(2, new LedgerState { Balance = 1 }, DateTimeOffset.UnixEpoch))),
        ];

        Task<string?> Read(string row, EntityId key) => _schema.QueryAsync<string>($"select ({string.Format(row, _schema.Name, key, key with { Type = "value" })})::text");
    }

    [Fact]
    public async Task AsyncProjection_SeesAllEventsInTheirOrder()
    {
        var keys = Enumerable.Range(0, 20).Select(_ => NewKey()).ToArray();
        for (var version = 0; version < 6; version += 2)
        {
            await Write([.. keys.Select(key => Append(key, version, version + 1, version + 2))]);
        }

        using var marten = DocumentStore.For(options =>
        {
            options.Connection(PostgresSchema.ConnectionString);
            options.DatabaseSchemaName = _schema.Name;
            options.UseCloudStateEvents(AmountAdded.Descriptor, LedgerState.Descriptor);
            options.Events.MapEventType<JsonNote>($"json.cloudstate.io/{typeof(JsonNote).FullName}");
            options.Projections.Add(new LastAmountProjection(), ProjectionLifecycle.Async);
        });
        using var daemon = await marten.BuildProjectionDaemonAsync();
        await daemon.RebuildProjectionAsync<LastAmountProjection>(Cancellation);

        await using var session = marten.QuerySession();
        foreach (var key in keys)
        {
            Assert.Equal("1 2 3 4 5 6", (await session.LoadAsync<Amounts>(key.ToString(), Cancellation))?.Seen);
        }
    }

    public sealed class Amounts
    {
        public required string Id { get; init; }

        public string Seen { get; set; } = "";
    }

    public sealed class LastAmountProjection : IProjection
    {
        public async Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
        {
            foreach (var stream in events.Where(e => e.Data is AmountAdded).GroupBy(e => e.StreamKey!))
            {
                var amounts = await operations.LoadAsync<Amounts>(stream.Key, cancellation) ?? new Amounts { Id = stream.Key };
                amounts.Seen = $"{amounts.Seen} {string.Join(' ', stream.Select(e => ((AmountAdded)e.Data).Amount))}".Trim();
                operations.Store(amounts);
            }
        }
    }
}
