using CloudState.Knative.Protobuf;
using CloudState.Knative.Sqlite;
using CloudState.Knative.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

public sealed class SqliteFileStoreTests(TemporaryFolder folder) : DurableEntityStoreContract, IClassFixture<TemporaryFolder>
{
    [Fact]
    public Task MessagesWithoutAClass_AreTheSameInTheStore_AsThoseOfClasses() => CheckMessagesWithoutAClassAsync();

    private protected override Task<IEntityStore> OpenAsync(StoredTypes types) =>
        SqliteMemoryStoreTests.OpenAsync(Path.Combine(folder.Path, "cloudstate.db"), types);
}

public sealed class SqliteMemoryStoreTests : EntityStoreContract
{
    private protected override Task<IEntityStore> OpenAsync(StoredTypes types) => OpenAsync(":memory:", types);

    internal static async Task<IEntityStore> OpenAsync(string path, StoredTypes types)
    {
        var store = new SqliteEntityStore(new SqliteStoreOptions { Path = path }, types, TimeProvider.System);
        await store.MigrateAsync(Cancellation);
        return store;
    }
}
