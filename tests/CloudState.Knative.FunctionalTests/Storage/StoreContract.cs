using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What the tests of stores have in common. Tests use entities of their own, so that they can share a database.</summary>
public abstract class StoreContract : IAsyncLifetime
{
    private protected static readonly CommandIdWindow AllCommands = new(1000, DateTimeOffset.UnixEpoch);
    private protected static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private protected IEntityStore Store { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Opens a store over the database of the test class, with its schema; the previous one has been disposed of.</summary>
    private protected abstract Task<IEntityStore> OpenAsync(StoredTypes types);

    private protected static StoredTypes Types(params MessageDescriptor[] types) => new(types);

    private protected static EntityId NewKey(string suffix = "") => new("ledger", Guid.NewGuid().ToString("N") + suffix);

    private protected static EntityAppend Append(EntityId key, long expectedVersion, params long[] amounts) =>
        Append(key, expectedVersion, (object[])[.. amounts.Select(Added)]);

    private protected static EntityAppend Append(EntityId key, long expectedVersion, IReadOnlyList<object> events) => new(key, new EventsChange(expectedVersion, events));

    private protected static CommandRecord Record(string id, DateTimeOffset? handledAt = null) =>
        new(id, "ledger.Ledger/Add", -7, 0, "", ByteString.CopyFromUtf8("reply"), handledAt ?? Noon);

    private protected static IMessage Added(long amount) => new AmountAdded { Text = $"\"é\" {amount}", Amount = amount };

    public async ValueTask InitializeAsync() => Store = await OpenAsync(Types(AmountAdded.Descriptor, LedgerState.Descriptor));

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected Task Write(params EntityAppend[] batch) => Store.AppendAsync(batch, memberId: null, Cancellation);

    private protected Task<StoredEntity> Load(EntityId key) => Store.LoadAsync(key, StoredAs.Events, AllCommands, Cancellation);

    private protected Task ReopenWith(params MessageDescriptor[] types) => ReopenWith(Types(types));

    private protected async Task ReopenWith(StoredTypes types)
    {
        await Store.DisposeAsync();
        Store = await OpenAsync(types);
    }
}

internal static class EventsAppends
{
    /// <summary>The same events, and a snapshot that is stored with them.</summary>
    public static EntityAppend WithSnapshot(this EntityAppend append, long version, object state) =>
        append with { State = (EventsChange)append.State with { Snapshot = new StoredSnapshot(version, state) } };
}
