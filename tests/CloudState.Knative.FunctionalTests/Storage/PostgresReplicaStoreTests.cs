using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Xunit;
using static CloudState.Knative.FunctionalTests.Storage.ReplicaAppends;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What other processes have added to replicated values, and what happens when they do so at the same time.</summary>
public sealed class PostgresReplicaStoreTests(PostgresSchema schema) : StoreContract, IClassFixture<PostgresSchema>
{
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(1);

    private readonly string _type = $"ledger-{Guid.NewGuid():N}";

    [Fact]
    public async Task News_AreTheLatestDeltasFoldsAndDeletionsOfAType()
    {
        await Write(Adds(Entity("added"), seat: 1, "a,b"), Adds(Entity("folded"), seat: 1, "a"), Adds(Entity("other") with { Type = _type + "s" }, seat: 1, "a"));
        await Write(Adds(Entity("added"), seat: 1, "c", after: 2));
        await Write(Adds(Entity("added"), seat: 2, "d"));
        await Write(Folds(Entity("folded"), "AB", epoch: 0, (1, 1), (2, 4)), Deletes(Entity("deleted/twice"), times: 2), Deletes(Entity("reused")));
        await Write(Adds(Entity("reused"), seat: 3, "e", epoch: 1), Adds(Entity("folded"), seat: 2, "f", after: 4));

        var news = await Store.Replicas!.FindNewsAsync(_type, Lately, Cancellation);

        Assert.Equal(
            [("added", 0, 1, 3), ("added", 0, 2, 1), ("deleted/twice", 2, 0, 0), ("folded", 0, 1, 1), ("folded", 0, 2, 5), ("reused", 1, 0, 0), ("reused", 1, 3, 1)],
            news.Select(one => (one.Key, (int)one.Epoch, one.Seat, (int)one.Number)).Order());
    }

    [Fact]
    public async Task WhatIsOlder_IsNoNews()
    {
        await Write(Adds(Entity("old"), seat: 1, "a"), Folds(Entity("folded"), "A", epoch: 0, (1, 1)), Adds(Entity("new"), seat: 1, "a"));
        await schema.QueryAsync<object>($"update {schema.Name}.cloudstate_deltas set stored_at = stored_at - interval '61 s' where stream = '{Entity("old")}'");
        await schema.QueryAsync<object>($"update {schema.Name}.cloudstate_replicas set changed_at = changed_at - interval '61 s' where stream = '{Entity("folded")}'");

        Assert.Equal([new ReplicaNews("new", 0, 1, 1)], await Store.Replicas!.FindNewsAsync(_type, Lately, Cancellation));
    }

    [Fact]
    public async Task Values_AreReadInTheOrderOfTheKeys()
    {
        await Write(Adds(Entity("a"), seat: 1, "a"), Folds(Entity("b"), "B", epoch: 0, (1, 1)), Deletes(Entity("c")));
        await Write(Adds(Entity("b"), seat: 1, "b", after: 1));

        var values = await Store.Replicas!.ReadAsync(_type, ["c", "b", "none", "a", "b"], Cancellation);

        Assert.Equal([1, 0, 0, 0, 0], values.Select(value => value.Epoch));
        Assert.Equal(["", "=B b", "", "a", "=B b"], values.Select(value => string.Join(' ', TextsOf(value))));
        Assert.Empty(await Store.Replicas!.ReadAsync(_type, [], Cancellation));
    }

    [Fact]
    public async Task FoldedValue_IsReadableBySql()
    {
        await Write(Folds(Entity("a"), "A", epoch: 0, (1, 7)));

        Assert.Equal("""{1} {7} {"text": "A"}""", await schema.QueryAsync<string>(
            $"select seats::text || ' ' || numbers::text || ' ' || value from {schema.Name}.cloudstate_replicas where stream = '{Entity("a")}'"));
    }

    [Fact]
    public async Task SchemaThatIsThere_NeedsNoMigration() => Assert.False(await Store.MigrateAsync(Cancellation));

    [Fact]
    public async Task Fold_DeletesTheRowsOfItsDeltas()
    {
        await Write(Adds(Entity("a"), seat: 1, "a,b"));
        await Write(Adds(Entity("a"), seat: 1, "c", after: 2));
        await Write(Deletes(Entity("b")));
        await Write(Adds(Entity("b"), seat: 1, "a", epoch: 1));
        await Write(Folds(Entity("a"), "AB", epoch: 0, (1, 2)), Deletes(Entity("b"), epoch: 1));

        Assert.Equal("a:3", await schema.QueryAsync<string>(
            $"select string_agg(substr(stream, {_type.Length + 2}) || ':' || first, ' ') from {schema.Name}.cloudstate_deltas where stream like '{_type}/%'"));
    }

    private protected override Task<IEntityStore> OpenAsync(StoredTypes types) => Task.FromResult<IEntityStore>(
        new MartenEntityStore(new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = schema.Name }, new(), types));

    private EntityId Entity(string key) => new(_type, key);
}
