using CloudState.Knative.Sqlite;
using CloudState.Knative.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

public sealed class SqliteFileStoreTests(TemporaryFolder folder) : EntityStoreContract, IClassFixture<TemporaryFolder>
{
    private protected override Task<IEntityStore> OpenAsync(MessageTypes types) =>
        SqliteMemoryStoreTests.OpenAsync(Path.Combine(folder.Path, "cloudstate.db"), types);
}

public sealed class SqliteMemoryStoreTests : EntityStoreContract
{
    private bool _isOpened;

    private protected override Task<IEntityStore> OpenAsync(MessageTypes types)
    {
        Assert.SkipWhen(_isOpened, "A database in memory ends with its store, so that there is nothing to reopen.");
        _isOpened = true;
        return OpenAsync(":memory:", types);
    }

    internal static async Task<IEntityStore> OpenAsync(string path, MessageTypes types)
    {
        var store = new SqliteEntityStore(new SqliteStoreOptions { Path = path }, types, TimeProvider.System);
        await store.MigrateAsync(Cancellation);
        return store;
    }
}
