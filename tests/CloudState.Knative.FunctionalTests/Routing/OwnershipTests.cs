using System.Net;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>Which pod owns what, while pods come and go. Every test has a cluster of its own.</summary>
public sealed class OwnershipTests : IAsyncLifetime
{
    private static readonly (string, string)[] ShortLease =
        [("CloudState:Cluster:Lease", "00:00:01"), ("CloudState:Cluster:Renewal", "00:00:00.2"), ("CloudState:Cluster:Margin", "00:00:00.2")];

    private readonly PostgresSchema _schema = new();

    public ValueTask InitializeAsync() => _schema.InitializeAsync();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task FirstPod_OwnsEverything()
    {
        await using var pod = await Pods.StartAsync(_schema);

        Assert.Equal(256, pod.Slots().Count);
    }

    [Fact]
    public async Task Newcomer_TakesOnlyItsOwnShare()
    {
        await using var first = await Pods.StartAsync(_schema);
        await using var second = await Pods.StartAsync(_schema);
        await Pods.SettledAsync(first, second);
        var (firstBefore, secondBefore) = (first.Slots(), second.Slots());

        await using var third = await Pods.StartAsync(_schema);
        await Pods.SettledAsync(first, second, third);

        Assert.Subset(firstBefore, first.Slots());
        Assert.Subset(secondBefore, second.Slots());
        Assert.InRange(third.Slots().Count, 256 / 5, 256 / 2);
        Assert.Equal(256, first.Slots().Count + second.Slots().Count + third.Slots().Count);
    }

    [Fact]
    public async Task Leaver_GivesEverythingToTheOthers()
    {
        await using var stays = await Pods.StartAsync(_schema);
        await using (var leaves = await Pods.StartAsync(_schema))
        {
            await Pods.SettledAsync(stays, leaves);
            await leaves.Carts.AddItemAsync(new AddLineItem { UserId = leaves.KeyOf(), ProductId = "p", Quantity = 1 });
        }

        await Pods.SettledAsync(stays);
        Assert.Equal(256, stays.Slots().Count);
        Assert.Equal(1, await _schema.QueryAsync<long>($"select count(*) from {_schema.Name}.cloudstate_members"));
    }

    [Fact]
    public async Task LastPod_LeavesAnEmptyRing()
    {
        await (await Pods.StartAsync(_schema)).DisposeAsync();

        Assert.Equal(0, await _schema.QueryAsync<long>($"select count(*) from {_schema.Name}.cloudstate_members"));
        Assert.Equal(0, await _schema.QueryAsync<long>($"select count(*) from {_schema.Name}.cloudstate_slots"));
    }

    [Fact]
    public async Task TypeThatOnlyOnePodHas_IsOwnedByThatPod()
    {
        await using var old = await Pods.StartAsync(_schema);
        await using var recent = await Pods.StartWithProbeAsync(_schema);
        await Pods.SettledAsync(old, recent);

        Assert.Equal(256, recent.Slots().Count(slot => slot.EntityType == ProbeEntity.EntityType));
        Assert.Contains(old.Slots(), slot => slot.EntityType == Pods.CartType);
        Assert.DoesNotContain(old.Slots(), slot => slot.EntityType == ProbeEntity.EntityType);
    }

    [Fact]
    public async Task Expelled_WritesNothingAsThatMember_AndJoinsAgain()
    {
        await using var pod = await Pods.StartAsync(_schema);
        await pod.Carts.AddItemAsync(new AddLineItem { UserId = "a", ProductId = "before", Quantity = 1 });
        var expelled = pod.Cluster().Snapshot.Self!.Id;

        await _schema.QueryAsync<object>($"delete from {_schema.Name}.cloudstate_members");

        // The first to notice is the append, which is fenced; then the command runs again.
        await pod.Carts.AddItemAsync(new AddLineItem { UserId = "a", ProductId = "after", Quantity = 1 });
        Assert.NotEqual(expelled, pod.Cluster().Snapshot.Self!.Id);
        Assert.Equal(["before", "after"], (await pod.Carts.GetCartAsync(new GetShoppingCart { UserId = "a" })).Items.Select(item => item.ProductId));
    }

    [Fact]
    public async Task PodWithoutTheDatabase_StopsAnsweringBeforeOthersTakeOver_AndComesBack()
    {
        var database = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        await using var cable = new TcpProxy(new IPEndPoint((await Dns.GetHostAddressesAsync(database.Host!, Pods.Cancellation))[0], database.Port));
        await using var other = await Pods.StartAsync(_schema, ShortLease);
        database.Host = "127.0.0.1";
        database.Port = cable.Port;
        await using var cutOff = await Pods.StartAsync(_schema, [.. ShortLease, ("ConnectionStrings:CloudState", database.ConnectionString)]);
        await Pods.SettledAsync(other, cutOff);
        var user = cutOff.KeyOf();
        await cutOff.Carts.AddItemAsync(new AddLineItem { UserId = user, ProductId = "a", Quantity = 1 });

        await cable.CutAsync();
        await other.Carts.AddItemAsync(new AddLineItem { UserId = user, ProductId = "b", Quantity = 1 }, deadline: DateTime.UtcNow + TestService.Patience);

        // From here on the other pod owns the cart: an answer of the first one can only be the other's, or none.
        var answer = await Assert.ThrowsAsync<RpcException>(() => cutOff.Carts.GetCartAsync(new GetShoppingCart { UserId = user }).ResponseAsync);
        Assert.Equal(StatusCode.Unavailable, answer.StatusCode);

        cable.Restore();
        await Pods.SettledAsync(other, cutOff);
        Assert.Equal(["a", "b"], (await cutOff.Carts.GetCartAsync(new GetShoppingCart { UserId = user })).Items.Select(item => item.ProductId));
    }

    [Fact]
    public async Task OtherNumberOfSlots_IsRefusedAtStart()
    {
        await using var pod = await Pods.StartAsync(_schema);

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => Pods.StartAsync(_schema, ("CloudState:Cluster:Slots", "16")));

        Assert.Contains("CloudState:Cluster:Slots", refused.Message, StringComparison.Ordinal);
        Assert.Single(pod.Cluster().Snapshot.Members);
    }

    [Fact]
    public async Task ReadsOfWhatDoesNotExist_KeepNothing()
    {
        await using var pod = await Pods.StartAsync(_schema);
        foreach (var user in Enumerable.Range(0, 50))
        {
            await pod.Carts.GetCartAsync(new GetShoppingCart { UserId = $"nobody-{user}" });
        }

        var table = Assert.Single(pod.Services.GetRequiredService<EntityRuntime>().Tables).Value;
        Assert.True(SpinWait.SpinUntil(() => table.Count == 0, TestService.Patience));
    }

    [Fact]
    public async Task MovedEntities_LeaveMemory()
    {
        await using var first = await Pods.StartAsync(_schema);
        foreach (var user in Enumerable.Range(0, 50))
        {
            await first.Carts.AddItemAsync(new AddLineItem { UserId = $"u{user}", ProductId = "p", Name = "Tea", Quantity = 1 });
        }

        await using var second = await Pods.StartAsync(_schema);
        await Pods.SettledAsync(first, second);

        var staying = Enumerable.Range(0, 50).Count(user => first.Slots().Contains(first.Cluster().SlotOf(new EntityId(Pods.CartType, $"u{user}"))));
        var table = Assert.Single(first.Services.GetRequiredService<EntityRuntime>().Tables).Value;
        Assert.True(SpinWait.SpinUntil(() => table.Count == staying, TestService.Patience));
    }
}
