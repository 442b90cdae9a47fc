using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Replicated;

/// <summary>Entities whose state is a replicated data type, in one process. The same on both stores.</summary>
public abstract class CrdtEntityTests
{
    private static readonly Metadata OnceOnly = new() { { "idempotency-key", "once" } };

    /// <summary>The settings of a store that outlives the service.</summary>
    private protected abstract (string Key, string Value)[] Settings { get; }

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatWasAcknowledged_IsThereAfterARestart()
    {
        var key = NewKey();
        await using (var service = await StartAsync(Settings))
        {
            Assert.Equal(0, await service.TotalAsync(key));
            Assert.Equal(3, await service.ChangeAsync(key, 3));
            Assert.Equal(1, await service.ChangeAsync(key, -2));
            await service.Guests().ChangeAsync(new GuestChange { Id = key, Come = { "ann", "bob" } });
            await service.Guests().ChangeAsync(new GuestChange { Id = key, Come = { "cid" }, Leave = { "ann" } });
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(1, await next.TotalAsync(key));
        Assert.Equal(5, await next.ChangeAsync(key, 4));
        Assert.Equal(["bob", "cid"], (await next.Guests().GetAsync(new GuestQuery { Id = key })).Names);
    }

    [Fact]
    public async Task ManyAtTheSameTime_AreAllCounted_AndFolded()
    {
        var key = NewKey();
        await using (var service = await StartAsync([.. Settings, ("CloudState:Entities:SnapshotEvery", "7")]))
        {
            await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => service.ChangeAsync(key, 1)));
            Assert.Equal(500, await service.TotalAsync(key));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(500, await next.TotalAsync(key));
    }

    [Fact]
    public async Task CommandThatComesTwice_CountsOnce()
    {
        var key = NewKey();
        await using (var service = await StartAsync(Settings))
        {
            Assert.Equal(3, await service.ChangeAsync(key, 3, OnceOnly));
            Assert.Equal(3, await service.ChangeAsync(key, 3, OnceOnly));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(3, await next.ChangeAsync(key, 3, OnceOnly));
        Assert.Equal(3, await next.TotalAsync(key));
    }

    [Fact]
    public async Task RejectedCommand_ChangesNothing()
    {
        var key = NewKey();
        await using var service = await StartAsync(Settings);
        await service.ChangeAsync(key, 3);

        var rejected = await Assert.ThrowsAsync<RpcException>(() => service.Tallies().ChangeAsync(new TallyChange { Id = key, Amount = 5, Reject = true }).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, rejected.StatusCode);
        Assert.Equal(3, await service.TotalAsync(key));
    }

    [Fact]
    public async Task DeletedEntity_IsAsNew_AndCanBeUsedAgain()
    {
        var key = NewKey();
        await using (var service = await StartAsync(Settings))
        {
            await service.ChangeAsync(key, 3);
            Assert.Equal(0, (await service.Tallies().DeleteAsync(new TallyQuery { Id = key })).Total);
            Assert.Equal(2, await service.ChangeAsync(key, 2));
            await Task.WhenAll(service.ChangeAsync(key, 1), service.Tallies().DeleteAsync(new TallyQuery { Id = key }).ResponseAsync);
            await service.Tallies().DeleteAsync(new TallyQuery { Id = key });
            Assert.Equal(7, await service.ChangeAsync(key, 7));
        }

        await using var next = await StartAsync(Settings);
        Assert.Equal(7, await next.TotalAsync(key));
    }

    [Fact]
    public async Task Stream_ShowsEachChange()
    {
        var key = NewKey();
        await using var service = await StartAsync(Settings);
        using var stream = service.Tallies().Watch(new TallyQuery { Id = key }, deadline: DateTime.UtcNow + TestService.Patience);

        foreach (var total in (long[])[0, 1, 2, 0, 1])
        {
            Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
            Assert.Equal(total, stream.ResponseStream.Current.Total);
            _ = total == 2 ? await service.Tallies().DeleteAsync(new TallyQuery { Id = key }) : new Tally { Total = await service.ChangeAsync(key, 1) };
        }
    }

    [Fact]
    public async Task OverRest_ItIsAnEntityLikeOthers()
    {
        var key = NewKey();
        await using var service = await StartAsync(Settings);

        var changed = await service.Http1.PostAsync($"/tallies/{key}", new StringContent("""{"amount":"4"}""", mediaType: new("application/json")), Cancellation);

        Assert.Equal("""{"total":"4"}""", (await changed.Content.ReadAsStringAsync(Cancellation)).Replace(" ", "", StringComparison.Ordinal));
        Assert.Contains("\"4\"", await service.Http1.GetStringAsync($"/tallies/{key}", Cancellation), StringComparison.Ordinal);
    }

    private protected static Task<TestService> StartAsync(params (string Key, string Value)[] settings) =>
        TestService.StartHostAsync(cloudState => cloudState.AddEntity<TallyEntity>().AddEntity<GuestsEntity>(), settings);

    private protected static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteCrdtEntityTests : CrdtEntityTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "replicated.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenCrdtEntityTests(PostgresSchema schema) : CrdtEntityTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings =>
        [("ConnectionStrings:CloudState", PostgresSchema.ConnectionString), ("CloudState:Marten:SchemaName", schema.Name)];
}

internal static class ReplicatedClients
{
    public static Tallies.TalliesClient Tallies(this TestService service) => new(service.Channel);

    public static Guests.GuestsClient Guests(this TestService service) => new(service.Channel);

    public static async Task<long> TotalAsync(this TestService service, string key) => (await service.Tallies().GetAsync(new TallyQuery { Id = key })).Total;

    public static async Task<long> ChangeAsync(this TestService service, string key, long amount, Metadata? headers = null) =>
        (await service.Tallies().ChangeAsync(new TallyChange { Id = key, Amount = amount }, headers, DateTime.UtcNow + TestService.Patience)).Total;

    public static async Task<long> TotalLocallyAsync(this TestService service, string key) => (await service.Tallies().GetLocallyAsync(new TallyQuery { Id = key })).Total;

    public static async Task<long> ChangeLocallyAsync(this TestService service, string key, long amount, Metadata? headers = null) =>
        (await service.Tallies().ChangeLocallyAsync(new TallyChange { Id = key, Amount = amount }, headers, DateTime.UtcNow + TestService.Patience)).Total;
}
