using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using JasperFx.Events;
using JasperFx.MultiTenancy;
using Marten;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What a user can configure of Marten is followed, or refused at the start.</summary>
public sealed class MartenSettingsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, Action<StoreOptions>, string> Refused => new()
    {
        { "schema", marten => marten.DatabaseSchemaName = "other", "DatabaseSchemaName to 'other', but all tables are in" },
        { "schema of events", marten => marten.Events.DatabaseSchemaName = "es", "Events.DatabaseSchemaName to 'es', but all tables are in" },
        { "identity", marten => marten.Events.StreamIdentity = StreamIdentity.AsGuid, "Events.StreamIdentity to AsGuid" },
        { "tenants of events", marten => marten.Events.TenancyStyle = TenancyStyle.Conjoined, "Events.TenancyStyle to Conjoined" },
        { "tenants of documents", marten => marten.Policies.AllDocumentsAreMultiTenanted(), "primary key" },
        { "schema of values", marten => marten.Schema.For<EntityValue>().DatabaseSchemaName("other"), "moves or renames the table" },
        { "partitions", marten => marten.Events.UseArchivedStreamPartitioning = true, "primary key" },
        { "columns", marten => marten.Policies.DisableInformationalFields(), "the column" },
    };

    public static TheoryData<string, Action<StoreOptions>> Followed => new()
    {
        { "rich", marten => marten.Events.AppendMode = EventAppendMode.Rich },
        { "quick", marten => marten.Events.AppendMode = EventAppendMode.Quick },
        { "timestamps", marten => marten.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps },
        {
            "metadata",
            marten =>
            {
                marten.Events.MetadataConfig.HeadersEnabled = true;
                marten.Events.MetadataConfig.CausationIdEnabled = true;
                marten.Events.MetadataConfig.CorrelationIdEnabled = true;
            }
        },
        { "unique ids", marten => marten.Events.EnableUniqueIndexOnEventId = true },
        { "soft deletes of the user's own", marten => marten.Schema.For<UserDocument>().SoftDeleted() },
    };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public void SettingThatIsNotFollowed_IsRefusedAtStart(string setting, Action<StoreOptions> configure, string expected)
    {
        Assert.NotEmpty(setting);

        var refused = Assert.Throws<InvalidOperationException>(() => Open("entities", configure, useMartenSessions: false));

        Assert.StartsWith("MartenStoreOptions.Configure ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Followed), DisableDiscoveryEnumeration = true)]
    public async Task SettingThatIsFollowed_Works_WithAndWithoutSessions(string setting, Action<StoreOptions> configure)
    {
        foreach (var useMartenSessions in new[] { false, true })
        {
            await using var schema = new PostgresSchema();
            await using var store = Open(schema.Name, configure, useMartenSessions);
            await store.MigrateAsync(Cancellation);
            await store.CheckAsync(Cancellation);
            await store.CheckWritesAsync(Cancellation);
            var (stream, value) = (new EntityId("ledger", setting), new EntityId("account", setting));
            var amount = new AmountAdded { Amount = 1 };

            await store.AppendAsync([new EntityAppend(stream, new EventsChange(0, [amount]))], memberId: null, Cancellation);
            await store.AppendAsync(
                [
                    new EntityAppend(stream, new EventsChange(1, [amount, new EntityDeleted(), amount]) { Snapshot = new StoredSnapshot(4, amount) }),
                    new EntityAppend(value, new ValueChange(0, new StoredValue(1, amount, ExpiresAt: null))),
                ],
                memberId: null, Cancellation);

            Assert.Equal(4, (await store.LoadAsync(stream, StoredAs.Events, default, Cancellation)).Version);
            Assert.Equal(amount, (await store.LoadAsync(value, StoredAs.Value, default, Cancellation)).Snapshot?.State);
        }
    }

    private static MartenEntityStore Open(string schema, Action<StoreOptions> configure, bool useMartenSessions) => new(
        new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = schema, Configure = configure, UseMartenSessions = useMartenSessions },
        new ClusterOptions(), new StoredTypes([AmountAdded.Descriptor]));

    private sealed record UserDocument(Guid Id);
}
