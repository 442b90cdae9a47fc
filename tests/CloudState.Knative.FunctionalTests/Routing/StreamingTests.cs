using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Runtime;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>A server-streaming rpc of an entity: the state now and after every change, wherever the entity is.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class StreamingTests : IAsyncLifetime
{
    private readonly PostgresSchema _schema = new();

    public ValueTask InitializeAsync() => _schema.InitializeAsync();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Embedded_PushesTheStateAndItsChanges()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        using var stream = Watch(service, "a");
        Assert.Equal(0, await NextAsync(stream));

        await AddAsync(service, "a", 2);
        Assert.Equal(2, await NextAsync(stream));

        await AddAsync(service, "other", 1);
        await AddAsync(service, "a", 3);
        Assert.Equal(5, await NextAsync(stream));
    }

    [Fact]
    public async Task Rest_GetsALinePerChange()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        using var response = await service.Http1.GetAsync("/probes/a/watch", HttpCompletionOption.ResponseHeadersRead, Pods.Cancellation);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Pods.Cancellation));
        Assert.Equal("""{"amount":0}""", await lines.ReadLineAsync(Pods.Cancellation));

        await AddAsync(service, "a", 4);

        Assert.Equal("""{"amount":4}""", await lines.ReadLineAsync(Pods.Cancellation));
    }

    [Fact]
    public async Task Forwarded_PushesTheStateAndItsChanges()
    {
        await using var entry = await Pods.StartWithProbeAsync(_schema);
        await using var owner = await Pods.StartWithProbeAsync(_schema);
        await Pods.SettledAsync(entry, owner);
        var id = owner.KeyOf(ProbeEntity.EntityType);
        using var stream = Watch(entry, id);
        Assert.Equal(0, await NextAsync(stream));

        await AddAsync(owner, id, 2);
        Assert.Equal(2, await NextAsync(stream));
        await AddAsync(entry, id, 1);
        Assert.Equal(3, await NextAsync(stream));
    }

    [Fact]
    public async Task OwnerLeaves_StreamGoesOnAtTheNextOwner()
    {
        await using var entry = await Pods.StartWithProbeAsync(_schema);
        await using var owner = await Pods.StartWithProbeAsync(_schema);
        await Pods.SettledAsync(entry, owner);
        var id = owner.KeyOf(ProbeEntity.EntityType);
        using var stream = Watch(entry, id);
        Assert.Equal(0, await NextAsync(stream));
        await AddAsync(owner, id, 2);
        Assert.Equal(2, await NextAsync(stream));

        await owner.StopAsync();
        await AddAsync(entry, id, 5);

        Assert.Equal(7, await NextAsync(stream));
    }

    [Fact]
    public async Task OwnerIsExpelled_StreamMissesNothing()
    {
        await using var entry = await Pods.StartWithProbeAsync(_schema);
        await using var owner = await Pods.StartWithProbeAsync(_schema);
        await Pods.SettledAsync(entry, owner);
        var id = owner.KeyOf(ProbeEntity.EntityType);
        using var stream = Watch(entry, id);
        Assert.Equal(0, await NextAsync(stream));

        await _schema.QueryAsync<object>($"delete from {_schema.Name}.cloudstate_members where member_id = '{owner.Cluster().Snapshot.Self!.Id}'");
        await AddAsync(entry, id, 4);

        Assert.Equal(4, await NextAsync(stream));
    }

    [Fact]
    public async Task EntryLeaves_StreamEndsWithUnavailable()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        using var stream = Watch(service, "a");
        Assert.Equal(0, await NextAsync(stream));

        var next = NextAsync(stream);
        await service.StopAsync();

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => next)).StatusCode);
    }

    [Fact]
    public async Task WatchedEntity_StaysInMemoryUntilTheWatcherLeaves()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        var table = service.Services.GetRequiredService<EntityRuntime>().Tables.Single(table => table.Key == ProbeEntity.EntityType).Value;
        using (var stream = Watch(service, "a"))
        {
            Assert.Equal(0, await NextAsync(stream));
            Assert.True(SpinWait.SpinUntil(() => table.IsBusy, TestService.Patience));
        }

        Assert.True(SpinWait.SpinUntil(() => !table.IsBusy, TestService.Patience));
    }

    private static AsyncServerStreamingCall<Total> Watch(TestService pod, string id) =>
        new Probe.ProbeClient(pod.Channel).Watch(new WatchProbe { Id = id }, cancellationToken: Pods.Cancellation);

    private static async Task<int> NextAsync(AsyncServerStreamingCall<Total> stream)
    {
        Assert.True(await stream.ResponseStream.MoveNext(Pods.Cancellation).WaitAsync(TestService.Patience));
        return stream.ResponseStream.Current.Amount;
    }

    private static async Task AddAsync(TestService pod, string id, int amount) =>
        await new Probe.ProbeClient(pod.Channel).AddAsync(new AddAmount { Id = id, Amount = amount }, deadline: DateTime.UtcNow + TestService.Patience);
}
