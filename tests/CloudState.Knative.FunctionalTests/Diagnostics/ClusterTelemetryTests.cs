using System.Net;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Diagnostics;

/// <summary>
/// What metrics tell about the cluster. Most of them do not say which pod they come from, and other tests have pods in this process too:
/// so these tests run while no others do.
/// </summary>
[Collection(nameof(WhileNoOthersRun))]
public sealed class ClusterTelemetryTests : IAsyncLifetime
{
    private const int SlotCount = 200;

    // Nothing happens by the clock.
    private static readonly (string, string)[] LongLease = [("CloudState:Cluster:Lease", "00:10:00"), ("CloudState:Cluster:Renewal", "00:04:00"), ("CloudState:Cluster:Slots", $"{SlotCount}")];

    private readonly PostgresSchema _schema = new();
    private readonly Metrics _metrics = new(_ => true);

    public ValueTask InitializeAsync() => _schema.InitializeAsync();

    public ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        return _schema.DisposeAsync();
    }

    [Fact]
    public async Task MembersAndSlots_AreCountedAsTheyComeAndGo()
    {
        await using var first = await Pods.StartAsync(_schema, LongLease);
        Assert.Equal(SlotCount, _metrics.SumOf("cloudstate.cluster.slots.moved", ("direction", "claimed")));
        Assert.Equal(0, _metrics.CountOf("cloudstate.cluster.slots.moved", ("direction", "released")));
        Assert.Equal(0, _metrics.CountOf("cloudstate.cluster.handover.duration"));

        await using var second = await Pods.StartAsync(_schema, LongLease);
        await Pods.SettledAsync(first, second);

        var (ofFirst, ofSecond) = (first.Slots().Count, second.Slots().Count);
        Assert.Equal(SlotCount, ofFirst + ofSecond);

        // The second pod may own them before the first one has counted.
        Assert.True(SpinWait.SpinUntil(() => _metrics.SumOf("cloudstate.cluster.slots.moved", ("direction", "released")) == ofSecond, TestService.Patience));
        Assert.Equal(SlotCount + ofSecond, _metrics.SumOf("cloudstate.cluster.slots.moved", ("direction", "claimed")));
        Assert.InRange(Assert.Single(_metrics.ValuesOf("cloudstate.cluster.handover.duration")), double.Epsilon, TestService.Patience.TotalSeconds);

        // Pods of earlier tests may still be observed; none of them had that many members.
        await _schema.QueryAsync<object>(
            $"""
            insert into {_schema.Name}.cloudstate_members (member_id, revision, address, secret, entity_types, entity_versions, is_leaving, lease_until, joined_at)
            select gen_random_uuid(), '', '127.0.0.1:1', '', array['other'], array[1], false, now() + interval '1 hour', now() from generate_series(1, 20)
            """);
        await Task.WhenAll(LookAsync(first), LookAsync(second)).WaitAsync(TestService.Patience);
        _metrics.Observe();
        Assert.Equal([22, 22], _metrics.ValuesOf("cloudstate.cluster.members").Where(members => members == 22));
        Assert.All([ofFirst, ofSecond], count => Assert.Contains(count, _metrics.ValuesOf("cloudstate.cluster.slots.owned", ("cloudstate.entity.type", Pods.CartType))));
    }

    [Fact]
    public async Task ForwardedCommands_AreMeasuredByResult()
    {
        await using var entry = await Pods.StartAsync(_schema, LongLease);
        await using var owner = await Pods.StartAsync(_schema, LongLease);
        await Pods.SettledAsync(entry, owner);

        await entry.Carts.GetCartAsync(new GetShoppingCart { UserId = entry.KeyOf() });
        Assert.Equal(0, _metrics.CountOf("cloudstate.forward.duration"));

        await entry.Carts.GetCartAsync(new GetShoppingCart { UserId = owner.KeyOf() });
        Assert.InRange(Assert.Single(_metrics.ValuesOf("cloudstate.forward.duration", ("result", "outcome"))), double.Epsilon, TestService.Patience.TotalSeconds);
        Assert.Equal(0, _metrics.CountOf("cloudstate.forward.refused"));

        Assert.Null(await ForwardAsync(owner.Cluster().Snapshot.Self!));
        Assert.Equal(1, _metrics.CountOf("cloudstate.forward.duration", ("result", "not_owner")));
        Assert.Equal(1, _metrics.SumOf("cloudstate.forward.refused"));

        await Assert.ThrowsAsync<PeerUnreachableException>(() => ForwardAsync(owner.Cluster().Snapshot.Self! with { Id = Guid.NewGuid(), Address = "127.0.0.1:1" }));
        Assert.Equal(1, _metrics.CountOf("cloudstate.forward.duration", ("result", "unreachable")));
        Assert.Equal(3, _metrics.CountOf("cloudstate.forward.duration"));

        // The entry pod owns the cart, and asks another one for it.
        Task<CallOutcome?> ForwardAsync(Member other)
        {
            var key = entry.KeyOf();
            var command = new Command
            {
                Definition = entry.Services.GetRequiredService<EntityDefinitions>().Find("com.example.shoppingcart.ShoppingCart/GetCart")!.Value.Command,
                Entity = new EntityId(Pods.CartType, key),
                Message = new GetShoppingCart { UserId = key },
                Metadata = CallMetadata.Empty,
            };
            command.EnsureCommandId();
            return entry.Services.GetRequiredService<PeerLinks>().ForwardAsync(other, command, DateTimeOffset.UtcNow + TestService.Patience);
        }
    }

    [Fact]
    public async Task Expelled_FencedCommandsAreCounted()
    {
        await using var pod = await Pods.StartAsync(_schema, LongLease);
        await pod.Carts.AddItemAsync(new AddLineItem { UserId = "a", ProductId = "before", Quantity = 1 });
        await _schema.QueryAsync<object>($"delete from {_schema.Name}.cloudstate_members");
        Assert.Equal(0, _metrics.CountOf("cloudstate.journal.fenced"));

        var addition = pod.Carts.AddItemAsync(new AddLineItem { UserId = "a", ProductId = "after", Quantity = 1 });
        await _metrics.TakenAsync("cloudstate.journal.fenced");
        await LookAsync(pod);
        await addition;

        Assert.All(_metrics.ValuesOf("cloudstate.journal.fenced"), commands => Assert.Equal(1, commands));
        Assert.Equal(2 * SlotCount, _metrics.SumOf("cloudstate.cluster.slots.moved", ("direction", "claimed")));
        Assert.Equal(0, _metrics.CountOf("cloudstate.cluster.renewals.late"));
        Assert.Equal(2, _metrics.SumOf("cloudstate.journal.events"));
    }

    [Fact]
    public async Task RenewalAfterTheLeaseHasEnded_IsCounted()
    {
        var database = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        await using var cable = new TcpProxy(new IPEndPoint((await Dns.GetHostAddressesAsync(database.Host!, Pods.Cancellation))[0], database.Port));
        database.Host = "127.0.0.1";
        database.Port = cable.Port;
        await using var pod = await Pods.StartAsync(
            _schema,
            ("ConnectionStrings:CloudState", database.ConnectionString), ("CloudState:Cluster:Lease", "00:00:01"), ("CloudState:Cluster:Renewal", "00:00:00.2"), ("CloudState:Cluster:Margin", "00:00:00.2"));
        Assert.Equal(0, _metrics.CountOf("cloudstate.cluster.renewals.late"));
        var member = pod.Cluster().Snapshot.Self;

        await cable.CutAsync();
        Assert.True(SpinWait.SpinUntil(() => pod.Cluster().Owned.All(owned => !owned.IsHeld), TestService.Patience));
        cable.Restore();

        // Nobody else was there to delete the member, so it goes on as that.
        await _metrics.TakenAsync("cloudstate.cluster.renewals.late");
        Assert.Equal(1, _metrics.SumOf("cloudstate.cluster.renewals.late"));
        Assert.Equal(member, pod.Cluster().Snapshot.Self);
    }

    private static Task LookAsync(TestService pod) => pod.Services.GetRequiredService<Membership>().RequestReconcileAsync().WaitAsync(TestService.Patience);
}

/// <summary>The tests of this collection have the process to themselves.</summary>
[CollectionDefinition(nameof(WhileNoOthersRun), DisableParallelization = true)]
public sealed class WhileNoOthersRun;
