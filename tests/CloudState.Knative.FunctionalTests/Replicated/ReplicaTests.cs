using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Routing;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Replicated;

/// <summary>Replicas of one entity in several pods.</summary>
public sealed class ReplicaTests(PostgresSchema schema) : IClassFixture<PostgresSchema>
{
    // Longer than the test: what it sees, it was told.
    private static readonly (string, string) NoSync = ("CloudState:Crdt:SyncInterval", "01:00:00");

    [Fact]
    public async Task AllPodsCountAtTheSameTime_AndCometoTheSameTotal()
    {
        await using var first = await StartAsync(NoSync);
        await using var second = await StartAsync(NoSync);
        await using var third = await StartAsync(NoSync);
        TestService[] pods = [first, second, third];
        await Pods.SettledAsync(pods);
        var key = NewKey();

        await Task.WhenAll(pods.SelectMany(pod => Enumerable.Range(0, 100).Select(_ => pod.ChangeAsync(key, 1))));

        foreach (var pod in pods)
        {
            await UntilAsync(pod, key, 300);
        }
    }

    [Fact]
    public async Task ChangeOfOnePod_IsSeenByTheStreamsOfAnother()
    {
        await using var first = await StartAsync(NoSync);
        await using var second = await StartAsync(NoSync);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        using var stream = second.Tallies().Watch(new TallyQuery { Id = key }, deadline: DateTime.UtcNow + TestService.Patience);
        Assert.True(await stream.ResponseStream.MoveNext(Pods.Cancellation));

        for (var total = 1; total <= 20; total++)
        {
            await first.ChangeAsync(key, 1);
            Assert.True(await stream.ResponseStream.MoveNext(Pods.Cancellation));
            Assert.Equal(total, stream.ResponseStream.Current.Total);
        }
    }

    [Fact]
    public async Task AdditionWinsOverAConcurrentRemoval()
    {
        await using var first = await StartAsync(NoSync);
        await using var second = await StartAsync(NoSync);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        await first.Guests().ChangeAsync(new GuestChange { Id = key, Come = { "ann", "bob" } });
        Assert.Equal(["ann", "bob"], (await second.Guests().GetAsync(new GuestQuery { Id = key })).Names);

        await Task.WhenAll(
            first.Guests().ChangeAsync(new GuestChange { Id = key, Leave = { "ann", "bob" } }).ResponseAsync,
            second.Guests().ChangeAsync(new GuestChange { Id = key, Come = { "ann" } }).ResponseAsync);

        // Either was first, or they were concurrent: ann is gone only if the removal has seen her come again.
        var names = (await first.Guests().ChangeAsync(new GuestChange { Id = key, Come = { "dot" } })).Names;
        Assert.Contains("dot", names);
        Assert.DoesNotContain("bob", names);
    }

    [Fact]
    public async Task WhatAPodWasNotTold_ItFindsInTheStore()
    {
        await using var first = await StartAsync(NoSync);

        // Others cannot reach it.
        await using var second = await StartAsync(NoSync, ("CloudState:Cluster:Address", "127.0.0.1:1"));
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        Assert.Equal(0, await second.TotalAsync(key));
        await second.ChangeAsync(key, 1);
        await first.ChangeAsync(key, 5);
        Assert.Equal(1, await second.TotalAsync(key));

        await second.Services.GetRequiredService<ReplicaSync>().SyncAsync(TimeSpan.FromMinutes(1), Pods.Cancellation);

        Assert.Equal(6, await second.TotalAsync(key));
        await first.Tallies().DeleteAsync(new TallyQuery { Id = key });
        await second.Services.GetRequiredService<ReplicaSync>().SyncAsync(TimeSpan.FromMinutes(1), Pods.Cancellation);
        Assert.Equal(0, await second.TotalAsync(key));
    }

    [Fact]
    public async Task DeletionByOnePod_EndsWhatOthersHave()
    {
        await using var first = await StartAsync(NoSync);
        await using var second = await StartAsync(NoSync);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        await first.ChangeAsync(key, 3);
        await UntilAsync(second, key, 3);

        await first.Tallies().DeleteAsync(new TallyQuery { Id = key });
        Assert.Equal(2, await second.ChangeAsync(key, 2));

        await UntilAsync(first, key, 2);
    }

    [Fact]
    public async Task CommandThatComesTwice_ToTwoPods_CountsOnce()
    {
        await using var first = await StartAsync(NoSync);
        await using var second = await StartAsync(NoSync);
        await Pods.SettledAsync(first, second);
        var key = NewKey();
        Assert.Equal(0, await second.TotalAsync(key));
        var once = new Metadata { { "idempotency-key", "once" } };

        Assert.Equal(3, await first.ChangeAsync(key, 3, once));
        Assert.Equal(3, await second.ChangeAsync(key, 3, once));

        Assert.Equal(3, await second.TotalAsync(key));
    }

    [Fact]
    public async Task ProcessesThatComeAndGo_LeaveNoTraces()
    {
        var key = NewKey();
        for (var cycle = 1; cycle <= 20; cycle++)
        {
            await using var pod = await StartAsync(("CloudState:Entities:SnapshotEvery", "5"));
            Assert.Equal(cycle, await pod.ChangeAsync(key, 1));
        }

        await using var database = NpgsqlDataSource.Create(PostgresSchema.ConnectionString);
        await using var seats = database.CreateCommand($"select count(distinct seat) from {schema.Name}.cloudstate_deltas where stream = 'tally/{key}'");
        Assert.Equal(1L, await seats.ExecuteScalarAsync(Pods.Cancellation));
        await using var folded = database.CreateCommand($"select cardinality(seats) from {schema.Name}.cloudstate_replicas where stream = 'tally/{key}'");
        Assert.Equal(1, await folded.ExecuteScalarAsync(Pods.Cancellation));
    }

    private static async Task UntilAsync(TestService pod, string key, long total)
    {
        using var stream = pod.Tallies().Watch(new TallyQuery { Id = key }, deadline: DateTime.UtcNow + TestService.Patience);
        do
        {
            Assert.True(await stream.ResponseStream.MoveNext(Pods.Cancellation));
        }
        while (stream.ResponseStream.Current.Total != total);
    }

    private Task<TestService> StartAsync(params (string, string)[] settings) => TestService.StartHostAsync(
        cloudState => cloudState.AddEntity<TallyEntity>().AddEntity<GuestsEntity>(), [.. Pods.Settings(schema), .. settings]);

    private static string NewKey() => Guid.NewGuid().ToString("N");
}
