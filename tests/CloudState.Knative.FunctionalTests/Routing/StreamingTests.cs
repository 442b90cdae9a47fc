using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Runtime;
using Grpc.Core;
using Grpc.Net.Client;
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ManyStreams_AreNoCommands_AndTheHandlerIsAskedOnceForAllOfThem(bool isForwarded)
    {
        (string, string) mailbox = ("CloudState:Entities:MailboxSize", "2");
        await using var entry = isForwarded ? await Pods.StartWithProbeAsync(_schema, mailbox) : await ProbeEntity.StartServiceAsync(mailbox);
        await using var owner = isForwarded ? await Pods.StartWithProbeAsync(_schema, mailbox) : null;
        var id = "a";
        if (owner is not null)
        {
            await Pods.SettledAsync(entry, owner);
            id = owner.KeyOf(ProbeEntity.EntityType);
        }

        using var channel = ManyStreams(entry);
        var streams = Enumerable.Range(0, 500).Select(_ => Watch(channel, new WatchProbe { Id = id })).ToList();
        Assert.All(await Task.WhenAll(streams.Select(NextAsync)), amount => Assert.Equal(0, amount));
        var asked = ProbeEntity.Watched;

        await AddAsync(entry, id, 2);

        Assert.All(await Task.WhenAll(streams.Select(NextAsync)), amount => Assert.Equal(2, amount));
        Assert.Equal(1, ProbeEntity.Watched - asked);
        streams.ForEach(stream => stream.Dispose());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HandlerThatLooksAtItsCaller_AnswersEachStreamByItself(bool isForwarded)
    {
        await using var entry = isForwarded ? await Pods.StartWithProbeAsync(_schema) : await ProbeEntity.StartServiceAsync();
        await using var owner = isForwarded ? await Pods.StartWithProbeAsync(_schema) : null;
        var id = "a";
        if (owner is not null)
        {
            await Pods.SettledAsync(entry, owner);
            id = owner.KeyOf(ProbeEntity.EntityType);
        }

        var factors = Enumerable.Range(1, 50).ToList();
        var streams = factors.ConvertAll(factor => Watch(entry.Channel, new WatchProbe { Id = id, FactorFrom = 5 }, new Metadata { { "x-factor", $"{factor}" } }));
        Assert.All(await Task.WhenAll(streams.Select(NextAsync)), amount => Assert.Equal(0, amount));

        foreach (var (added, total) in ((int, int)[])[(1, 1), (4, 5), (2, 7)])
        {
            await AddAsync(entry, id, added);
            var totals = await Task.WhenAll(streams.Select(NextAsync));
            Assert.Equal(factors.Select(factor => total < 5 ? total : total * factor), totals);
        }

        streams.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task StreamsWithDeadlines_EndInTheirTime()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        using var endless = Watch(service, "a");
        using var ending = Watch(service.Channel, new WatchProbe { Id = "a" }, deadline: DateTime.UtcNow.AddSeconds(1));
        Assert.All(await Task.WhenAll(NextAsync(endless), NextAsync(ending)), amount => Assert.Equal(0, amount));

        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(ending))).StatusCode);
        await AddAsync(service, "a", 3);

        Assert.Equal(3, await NextAsync(endless));
    }

    /// <summary>A connection takes a hundred.</summary>
    private static GrpcChannel ManyStreams(TestService pod) =>
        GrpcChannel.ForAddress(pod.Address, new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true } });

    [Fact]
    public async Task Stream_ChangesTheEntityWhenItBegins_AndWhenItsCallerLeaves()
    {
        using var folder = new TemporaryFolder();
        (string, string) store = ("CloudState:Sqlite:Path", Path.Combine(folder.Path, "probes.db"));
        await using (var service = await ProbeEntity.StartServiceAsync(store))
        {
            using var watch = Watch(service, "a");
            Assert.Equal(0, await NextAsync(watch));
            using (var first = Join(service, 3))
            {
                Assert.Equal(3, await NextAsync(first));
                Assert.Equal(3, await NextAsync(watch));
                using (var second = Join(service, 4))
                {
                    Assert.Equal(7, await NextAsync(second));
                    Assert.Equal(7, await NextAsync(watch));
                }

                Assert.Equal(3, await NextAsync(watch));
            }

            Assert.Equal(0, await NextAsync(watch));
            using var last = Join(service, 5);
            Assert.Equal(5, await NextAsync(last));
        }

        // The service has stopped before its caller left.
        await using var next = await ProbeEntity.StartServiceAsync(store);
        using var again = Watch(next, "a");
        Assert.Equal(0, await NextAsync(again));
    }

    [Fact]
    public async Task LaterReplyThatChangesTheEntity_EndsTheStream_AndChangesNothing()
    {
        await using var service = await ProbeEntity.StartServiceAsync();
        service.ExpectErrors();
        using var stream = Join(service, 3, spoil: true);
        Assert.Equal(3, await NextAsync(stream));

        await AddAsync(service, "a", 1);

        Assert.Equal(StatusCode.Internal, (await Assert.ThrowsAsync<RpcException>(() => NextAsync(stream))).StatusCode);
        using var watch = Watch(service, "a");
        while (await NextAsync(watch) != 1)
        {
            // The end of the stream was not handled yet.
        }
    }

    private static AsyncServerStreamingCall<Total> Join(TestService pod, int amount, bool spoil = false) =>
        new Probe.ProbeClient(pod.Channel).WatchBare(new WatchProbe { Id = "a", Join = amount, Spoil = spoil }, cancellationToken: Pods.Cancellation);

    private static AsyncServerStreamingCall<Total> Watch(GrpcChannel channel, WatchProbe probe, Metadata? headers = null, DateTime? deadline = null) =>
        new Probe.ProbeClient(channel).Watch(probe, headers, deadline, Pods.Cancellation);

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
