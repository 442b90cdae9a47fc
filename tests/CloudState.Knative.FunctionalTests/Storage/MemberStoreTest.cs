using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>Several stores side by side, as in several pods. Each test begins with an empty cluster.</summary>
public abstract class MemberStoreTest(PostgresSchema schema) : IClassFixture<PostgresSchema>, IAsyncLifetime
{
    private protected const int SlotCount = 8;
    private protected static readonly TimeSpan Long = TimeSpan.FromMinutes(1);
    private protected static readonly TimeSpan Ended = TimeSpan.FromMilliseconds(-1);
    private protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly List<MartenEntityStore> _stores = [];

    private protected PostgresSchema Schema { get; } = schema;

    /// <summary>Names the connections of this test's stores.</summary>
    private protected string Application { get; } = Guid.NewGuid().ToString("N");

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        await Schema.QueryAsync<object>($"truncate {Schema.Name}.cloudstate_members, {Schema.Name}.cloudstate_slots, {Schema.Name}.cloudstate_ring");

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    private protected static IComparer<Slot> BySlot { get; } = Comparer<Slot>.Create(
        (left, right) => (left.EntityType, left.Number).CompareTo((right.EntityType, right.Number)));

    private protected static Member NewMember(params string[] entityTypes) => new(Guid.NewGuid(), "service-00001", "10.0.0.1:8081", "secret", entityTypes.ToDictionary(type => type, type => type.Length));

    private protected static Slot[] SlotsOf(string entityType) => [.. Enumerable.Range(0, SlotCount).Select(number => new Slot(entityType, number))];

    private protected static Task<(MemberList Members, IReadOnlyList<Slot> Claimed)> JoinAsync(IMemberStore store, Member member, TimeSpan? lease = null) =>
        store.JoinAsync(member, previousIds: [], lease ?? Long, SlotCount, Cancellation);

    private protected IMemberStore Open() => OpenStore().Members;

    private protected MartenEntityStore OpenStore(TimeSpan? lease = null, Action<MartenStoreOptions>? configure = null)
    {
        var options = new MartenStoreOptions
        {
            ConnectionString = $"{PostgresSchema.ConnectionString};Application Name={Application}",
            SchemaName = Schema.Name,
        };
        configure?.Invoke(options);
        var store = new MartenEntityStore(options, new ClusterOptions { Lease = lease ?? Long }, new StoredTypes([AmountAdded.Descriptor]));
        lock (_stores)
        {
            _stores.Add(store);
        }

        return store;
    }

    private protected async Task<NpgsqlTransaction> LockAsync(NpgsqlConnection connection, Guid memberId)
    {
        var append = await connection.BeginTransactionAsync(Cancellation);
        await using var fence = new NpgsqlCommand($"select from {Schema.Name}.cloudstate_members where member_id = '{memberId}' for key share", connection, append);
        await fence.ExecuteNonQueryAsync(Cancellation);
        return append;
    }

    private protected Task<long> CountSlotsAsync(Guid owner) =>
        Schema.QueryAsync<long>($"select count(*) from {Schema.Name}.cloudstate_slots where owner = '{owner}'");

    /// <summary>Asks again and again; each question is a round trip or more.</summary>
    private protected static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(Soon);
        while (!await isSo())
        {
            deadline.Token.ThrowIfCancellationRequested();
        }
    }
}
