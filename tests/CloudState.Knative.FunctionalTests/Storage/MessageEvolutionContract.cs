using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protobuf;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>The table of compatible changes is walked through by the unit tests; here it is shown that both stores keep the record of names.</summary>
public abstract class MessageEvolutionContract : StoreContract
{
    [Fact]
    public async Task StoredMessages_EvolveByNumber()
    {
        var (events, values, message) = (NewKey(), NewKey(), $"M{Guid.NewGuid():N}");
        var first = new Revision($"message {message} {{ string title = 2; Kind kind = 3; repeated string pages = 4; }} enum Kind {{ NONE = 0; NOVEL = 1; }}");
        var second = new Revision($"message {message} {{ string heading = 2; Kind kind = 3; repeated string leaves = 4; int32 price = 5; }} enum Kind {{ NONE = 0; ROMAN = 1; }}");
        var third = new Revision($"message {message} {{ int32 title = 2; }}");
        await ReopenWith(first.Types);
        await Store.CheckAsync(Cancellation);
        var book = first.Types.FromJson(first.Stored.FullName, """{"title":"Moby","kind":"NOVEL","pages":["1","2"]}""");
        await Write(new EntityAppend(events, new EventsChange(0, [book, book]) { Snapshot = new StoredSnapshot(1, book) }), Value(values, 0, book));

        // The next revision.
        await ReopenWith(second.Types);
        await Store.CheckAsync(Cancellation);
        const string evolved = """{"heading":"Moby","kind":"ROMAN","leaves":["1","2"]}""";
        var entity = await Load(events);
        Assert.Equal([evolved, evolved], new[] { entity.Snapshot!.State, Assert.Single(entity.Events) }.Select(second.Types.ToJsonText));
        var priced = second.Types.FromJson(second.Stored.FullName, """{"heading":"Moby","price":7}""");
        await Write(Append(events, 2, [priced]), Value(values, 1, priced));

        // Back to the one before, which keeps what it does not know.
        await ReopenWith(first.Types);
        await Store.CheckAsync(Cancellation);
        const string kept = """{"title":"Moby","price":7}""";
        Assert.Equal(kept, first.Types.ToJsonText((await Load(events)).Events[^1]));
        var value = await Store.LoadAsync(values, StoredAs.Value, AllCommands, Cancellation);
        Assert.Equal(kept, first.Types.ToJsonText(value.Snapshot!.State));
        await Write(Value(values, 2, value.Snapshot.State));
        await ReopenWith(second.Types);
        await Store.CheckAsync(Cancellation);
        Assert.Equal(second.Types.ToJsonText(priced), second.Types.ToJsonText((await Store.LoadAsync(values, StoredAs.Value, AllCommands, Cancellation)).Snapshot!.State));

        // What cannot be read as what it was.
        var refused = await Assert.ThrowsAsync<EntityDefinitionException>(async () =>
        {
            await ReopenWith(third.Types);
            await Store.MigrateAsync(Cancellation);
        });
        Assert.Contains($"{message}.title = 2 is int32", refused.Message);
    }

    private static EntityAppend Value(EntityId key, long version, object state) => new(key, new ValueChange(version, new StoredValue(version + 1, state, null)));
}

public sealed class PostgresMessageEvolutionTests(PostgresSchema schema) : MessageEvolutionContract, IClassFixture<PostgresSchema>
{
    [Fact]
    public async Task NamesThatANewerRevisionRecordsMeanwhile_AreLearntWhenTheyAreMet()
    {
        var (key, message) = (NewKey(), $"M{Guid.NewGuid():N}");
        var (old, newer) = (new Revision($"message {message} {{ string a = 1; }}"), new Revision($"message {message} {{ string b = 1; string c = 2; }}"));
        await ReopenWith(old.Types);
        await Store.CheckAsync(Cancellation);

        await using (var other = await OpenAsync(newer.Types))
        {
            await other.CheckAsync(Cancellation);
            await other.AppendAsync([Append(key, 0, [newer.Types.FromJson(newer.Stored.FullName, """{"b":"x","c":"y"}""")])], memberId: null, Cancellation);
        }

        Assert.Equal("""{"a":"x","c":"y"}""", old.Types.ToJsonText(Assert.Single((await Load(key)).Events)));
    }

    [Fact]
    public async Task RevisionThatCannotReadWhatIsStored_IsRefusedByTheCheck()
    {
        var message = $"M{Guid.NewGuid():N}";
        await ReopenWith(new Revision($"message {message} {{ string a = 1; }}").Types);
        await Store.CheckAsync(Cancellation);
        await ReopenWith(new Revision($"message {message} {{ int32 a = 1; }}").Types);

        await Assert.ThrowsAsync<EntityDefinitionException>(() => Store.CheckAsync(Cancellation));
    }

    private protected override Task<IEntityStore> OpenAsync(StoredTypes types) => Task.FromResult<IEntityStore>(
        new MartenEntityStore(new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = schema.Name }, new ClusterOptions(), types));
}

public sealed class SqliteMessageEvolutionTests(TemporaryFolder folder) : MessageEvolutionContract, IClassFixture<TemporaryFolder>
{
    private protected override Task<IEntityStore> OpenAsync(StoredTypes types) =>
        SqliteMemoryStoreTests.OpenAsync(Path.Combine(folder.Path, "cloudstate.db"), types);
}
