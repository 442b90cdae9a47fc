using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Sqlite;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.Data.Sqlite;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What only a file can show: it outlives the store, has one process, and is open to other tools.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private static readonly EntityId Cart = new("cart", "c-1");
    private static readonly CommandIdWindow AllCommands = new(100, DateTimeOffset.MinValue);
    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "data", "cloudstate.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FileWithoutSchema_IsUnavailable_UntilAnotherProcessHasMigratedIt()
    {
        await using var serving = Open();
        Assert.Contains("--migrate", (await Assert.ThrowsAsync<StoreUnavailableException>(() => serving.CheckAsync(Cancel))).Message, StringComparison.Ordinal);

        await using (var migrating = Open())
        {
            await migrating.MigrateAsync(Cancel);
            Assert.Contains("used by another process", (await Assert.ThrowsAsync<StoreUnavailableException>(() => serving.CheckAsync(Cancel))).Message, StringComparison.Ordinal);
        }

        await serving.CheckAsync(Cancel);
        await serving.CheckWritesAsync(Cancel);
    }

    [Fact]
    public async Task RefusalByATriggerOfTheUsersOwn_IsAboutTheCommand_AndAnyOtherAboutTheStore()
    {
        await using (var first = await StartAsync())
        {
        }

        await using (var connection = new SqliteConnection($"Data Source={File};Pooling=false"))
        {
            await connection.OpenAsync(Cancel);
            await using var command = connection.CreateCommand();
            command.CommandText = "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.stream = 'cart/c-1' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END; DROP TABLE timers;";
            await command.ExecuteNonQueryAsync(Cancel);
        }

        await using var store = Open();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => store.AppendAsync([new EntityAppend(Cart, new EventsChange(0, [Text("a")]))], memberId: null, Cancel));
        Assert.Contains("refused by the test", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.Timers.RemoveAsync([Guid.NewGuid()], Cancel));
    }

    [Fact]
    public async Task Reopened_KeepsEventsSnapshotAndCommands()
    {
        var handledAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero).AddMicroseconds(6);
        var command = new CommandRecord("id-1", "shop.Cart/Add", -7, 0, "", ByteString.CopyFromUtf8("reply"), handledAt);
        await using (var first = await StartAsync())
        {
            await first.AppendAsync(
                [new EntityAppend(Cart, new EventsChange(0, [Text("a"), Text("b")]) { Snapshot = new StoredSnapshot(1, State(3)) }) { Commands = [command] }], memberId: null, Cancel);
        }

        await using var second = Open();
        var entity = await second.LoadAsync(Cart, StoredAs.Events, AllCommands, Cancel);
        Assert.Equal(new StoredSnapshot(1, State(3)), entity.Snapshot);
        Assert.Equal([Text("b")], entity.Events);
        Assert.Equal([new RecentCommand("id-1", handledAt)], entity.RecentCommands);
        Assert.Equal(command, await second.FindCommandAsync(Cart, "id-1", Cancel));
    }

    [Fact]
    public async Task SecondStoreOnTheFile_IsRefusedUntilTheFirstIsDisposed()
    {
        await using var second = Open();
        await using (await StartAsync())
        {
            var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => second.MigrateAsync(Cancel));
            Assert.Contains($"'{File}' is used by another process", refusal.Message);
        }

        await second.MigrateAsync(Cancel);
    }

    [Fact]
    public async Task BeforeMigration_IsUnavailable()
    {
        await using var store = Open();
        var missing = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancel));
        Assert.Contains("--migrate", missing.Message);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Event(0)], memberId: null, Cancel));
        await store.MigrateAsync(Cancel);
        await store.CheckAsync(Cancel);
    }

    [Fact]
    public async Task OlderSchema_IsUpgradedByMigration()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        Sql(SqliteSchema.ToVersion1);
        Sql($$"""INSERT INTO events VALUES ('cart/alice', 1, '{{AmountAdded.Descriptor.FullName}}', '{"text":"a"}', '2026-01-02T03:04:05.000006Z')""");
        await using var store = Open();
        var old = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancel));

        await store.MigrateAsync(Cancel);

        Assert.Contains("older release", old.Message);
        Assert.Equal([Text("a")], (await store.LoadAsync(new EntityId("cart", "alice"), StoredAs.Events, AllCommands, Cancel)).Events);
    }

    [Fact]
    public async Task CheckpointsOfTheLastRelease_BecomePositions_AndNothingIsSkippedOrRepeated()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        Sql(SqliteSchema.ToVersion1 + SqliteSchema.ToVersion2 + SqliteSchema.ToVersion3);
        foreach (var (stream, version, number) in new[] { ("cart/a", 1, 1), ("shop/x", 1, 2), ("cart/b", 1, 3), ("cart/a", 2, 4), ("cart/b", 2, 5) })
        {
            Sql(
                "INSERT INTO events (stream, version, type, data, at, number) " +
                $$"""VALUES ('{{stream}}', {{version}}, '{{AmountAdded.Descriptor.FullName}}', '{"amount":"{{number}}"}', '2026-01-02T03:04:05.000006Z', {{number}})""");
        }

        Sql("INSERT INTO positions VALUES ('consumer', 'cart', 3, 3)");
        await using var store = await StartAsync();

        Assert.Equal(4, (await store.Journal.OpenAsync("cart", [3], _ => 3, memberId: null, Cancel))[3]);
        var checkpoint = (await store.Journal.ReadCheckpointsAsync("consumer", "cart", [3], Cancel))[3];
        var rest = await store.Journal.ReadAsync("cart", new Dictionary<int, long> { [3] = checkpoint }, 100, Cancel);

        Assert.Equal(2, checkpoint);
        Assert.Equal([("a", 2L), ("b", 2L)], rest.Select(journaled => (journaled.Origin.Key, journaled.Sequence)));
        Assert.Equal(2, (await store.Journal.ReadCheckpointsAsync("consumer", "cart", [3], Cancel))[3]);
    }

    [Fact]
    public async Task NewerSchema_IsRefused()
    {
        await (await StartAsync()).DisposeAsync();
        Sql("PRAGMA user_version = 1000");

        await using var store = Open();
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => store.MigrateAsync(Cancel));
        Assert.Contains("schema version 1000", refusal.Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.CheckAsync(Cancel));
    }

    [Fact]
    public async Task UnusableFolder_IsNamed()
    {
        System.IO.File.WriteAllText(Path.Combine(_folder.Path, "data"), "a file where the folder should be");

        await using var store = Open();
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => store.MigrateAsync(Cancel));
        Assert.Contains($"'{File}'", refusal.Message);
        Assert.Contains("writable", refusal.Message);
    }

    [Fact]
    public async Task FileOfAnotherKind_IsNamed()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, new string('x', 4096));

        await using var store = Open();
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => store.MigrateAsync(Cancel));
        Assert.Contains($"'{File}'", refusal.Message);
    }

    [Fact]
    public async Task Events_CanBeReadWithSqlWhileTheStoreRuns()
    {
        await using var store = await StartAsync();
        await store.AppendAsync([new EntityAppend(Cart, new EventsChange(0, [Text("a")]))], memberId: null, Cancel);

        Assert.Equal("cart/c-1|1|cloudstate.tests.ledger.AmountAdded|a",
            Sql("SELECT stream || '|' || version || '|' || type || '|' || json_extract(data, '$.text') FROM events"));
    }

    [Fact]
    public async Task WriterLockedByAnotherTool_IsUnavailableAndRecovers()
    {
        await using var store = await StartAsync();
        await store.AppendAsync([Event(0)], memberId: null, Cancel);
        using (var tool = Connect())
        {
            using var transaction = tool.BeginTransaction(deferred: false);
            await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Event(1)], memberId: null, Cancel));
            Assert.Equal(1, (await store.LoadAsync(Cart, StoredAs.Events, AllCommands, Cancel)).Version);
        }

        await store.AppendAsync([Event(1)], memberId: null, Cancel);
    }

    [Fact]
    public async Task Disposed_SaysSo()
    {
        var store = await StartAsync();
        await store.DisposeAsync();
        await store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.CheckAsync(Cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.AppendAsync([Event(0)], memberId: null, Cancel));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-wal")]
    [InlineData("-lock")]
    public async Task FileDeletedUnderTheStore_IsNoticedByTheNextWrite_AndByTheNextCheck_UntilItIsBack(string suffix)
    {
        await using var store = await StartAsync();
        await store.AppendAsync([Event(0)], memberId: null, Cancel);
        await store.CheckAsync(Cancel);

        System.IO.File.Move(File + suffix, File + suffix + ".away");
        Assert.Contains($"'{File}{suffix}'", (await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancel))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Event(1)], memberId: null, Cancel));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckWritesAsync(Cancel));

        System.IO.File.Move(File + suffix + ".away", File + suffix);
        await store.CheckAsync(Cancel);
        await store.CheckWritesAsync(Cancel);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-lock")]
    public async Task FileReplacedUnderTheStore_IsNoticed(string suffix)
    {
        await using var store = await StartAsync();
        await store.AppendAsync([Event(0)], memberId: null, Cancel);

        System.IO.File.WriteAllText(File + suffix + ".new", "");
        System.IO.File.Move(File + suffix + ".new", File + suffix, overwrite: true);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.AppendAsync([Event(1)], memberId: null, Cancel));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.CheckAsync(Cancel));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static AmountAdded Text(string text) => new() { Text = text };

    private static LedgerState State(long balance) => new() { Balance = balance };

    private static EntityAppend Event(long expectedVersion, string text = "x") => new(Cart, new EventsChange(expectedVersion, [Text(text)]));

    private SqliteEntityStore Open() => new(
        new SqliteStoreOptions { Path = File, BusyTimeout = TimeSpan.FromMilliseconds(100) },
        new StoredTypes([AmountAdded.Descriptor, LedgerState.Descriptor]), TimeProvider.System);

    private async Task<SqliteEntityStore> StartAsync()
    {
        var store = Open();
        await store.MigrateAsync(Cancel);
        return store;
    }

    private SqliteConnection Connect()
    {
        var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        return connection;
    }

    private string? Sql(string sql)
    {
        using var connection = Connect();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }
}
