using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>A command that arrives at a pod which does not own its entity.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class ForwardingTests(PostgresSchema schema) : IClassFixture<PostgresSchema>, IAsyncLifetime
{
    private TestService _entry = null!;
    private TestService _owner = null!;
    private string _id = null!;

    public async ValueTask InitializeAsync()
    {
        _entry = await Pods.StartWithProbeAsync(schema);
        _owner = await Pods.StartWithProbeAsync(schema);
        await Pods.SettledAsync(_entry, _owner);
        _id = _owner.KeyOf(ProbeEntity.EntityType);
    }

    public async ValueTask DisposeAsync()
    {
        await _entry.DisposeAsync();
        await _owner.DisposeAsync();
    }

    [Fact]
    public async Task EveryKey_IsAnsweredByEveryPod()
    {
        foreach (var user in new[] { _entry.KeyOf(prefix: "mine"), _owner.KeyOf(prefix: "yours") })
        {
            await _entry.Carts.AddItemAsync(new AddLineItem { UserId = user, ProductId = "a", Quantity = 1 });
            await _owner.Carts.AddItemAsync(new AddLineItem { UserId = user, ProductId = "b", Quantity = 1 });

            Assert.Equal(["a", "b"], (await _entry.Carts.GetCartAsync(new GetShoppingCart { UserId = user })).Items.Select(item => item.ProductId));
            Assert.Equal(["a", "b"], (await _owner.Carts.GetCartAsync(new GetShoppingCart { UserId = user })).Items.Select(item => item.ProductId));
        }
    }

    [Fact]
    public async Task EveryKindOfField_SurvivesTheHop()
    {
        var everything = new Everything { Id = _id, DoubleValue = 0.1, BytesValue = Google.Protobuf.ByteString.CopyFromUtf8("b"), ChosenText = "t", Numbers = { 1, 2 }, Amounts = { ["x"] = 1 } };

        Assert.Equal(everything, await ProbeOf(_entry).EchoAsync(everything));
    }

    [Fact]
    public async Task MetadataAndTrace_ArriveUnchanged()
    {
        using var listener = new ActivityListener { ShouldListenTo = source => source.Name == CloudStateTelemetry.Name, Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(listener);
        using var trace = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        var seen = await ProbeOf(_entry).LookAsync(new LookAround { Id = _id }, new Metadata { { "x-tenant", "blue" }, { "traceparent", $"00-{trace.TraceId}-{trace.SpanId}-01" } });

        Assert.Equal("blue", seen.Metadata["x-tenant"]);
        Assert.Equal(trace.TraceId.ToString(), seen.TraceId);
    }

    [Fact]
    public async Task Rejection_KeepsStatusAndText()
    {
        var rejected = await Assert.ThrowsAsync<RpcException>(() => ProbeOf(_entry).LookAsync(new LookAround { Id = _id, Failure = "Taken: ä" }).ResponseAsync);

        Assert.Equal((StatusCode.AlreadyExists, "Taken: ä"), (rejected.StatusCode, rejected.Status.Detail));
    }

    [Fact]
    public async Task Crash_IsAnInternalErrorHere()
    {
        _owner.ExpectErrors();
        var crashed = await Assert.ThrowsAsync<RpcException>(() => ProbeOf(_entry).AddAsync(new AddAmount { Id = _id, Amount = 1, Crash = true }).ResponseAsync);

        Assert.Equal(StatusCode.Internal, crashed.StatusCode);
        Assert.DoesNotContain(ProbeEntity.Secret, crashed.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_ReachesTheHandler()
    {
        (ProbeEntity.Waiting, ProbeEntity.Cancelled) = (NewSignal(), NewSignal());
        using var cancellation = new CancellationTokenSource();
        var call = ProbeOf(_entry).LookAsync(new LookAround { Id = _id, Wait = true }, cancellationToken: cancellation.Token);
        await ProbeEntity.Waiting.Task.WaitAsync(TestService.Patience, Pods.Cancellation);

        await cancellation.CancelAsync();

        await ProbeEntity.Cancelled.Task.WaitAsync(TestService.Patience, Pods.Cancellation);
        await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
    }

    [Fact]
    public async Task Deadline_ReachesTheHandler()
    {
        var patience = TimeSpan.FromSeconds(0.5);
        do
        {
            // Until one is long enough for this machine to begin.
            patience *= 2;
            (ProbeEntity.Waiting, ProbeEntity.Cancelled) = (NewSignal(), NewSignal());
            var call = ProbeOf(_entry).LookAsync(new LookAround { Id = _id, Wait = true }, deadline: DateTime.UtcNow + patience);
            Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync)).StatusCode);
        }
        while (!ProbeEntity.Waiting.Task.IsCompleted && patience < TestService.Patience);

        await ProbeEntity.Cancelled.Task.WaitAsync(TestService.Patience, Pods.Cancellation);
    }

    [Fact]
    public async Task RepeatedCommand_AtAnotherPod_TakesEffectOnce()
    {
        var id = new Metadata { { "idempotency-key", "once" } };
        await ProbeOf(_entry).AddAsync(new AddAmount { Id = _id, Amount = 3 }, id);
        var repeated = await ProbeOf(_owner).AddAsync(new AddAmount { Id = _id, Amount = 3 }, id);

        Assert.Equal(3, repeated.Amount);
    }

    [Fact]
    public async Task WrongGuess_IsRefusedAndChangesNothing()
    {
        var key = _entry.KeyOf(ProbeEntity.EntityType, "guess");
        var method = _entry.Services.GetRequiredService<EntityDefinitions>().Find("cloudstate.tests.probe.Probe/Add")!.Value.Command;
        var command = new Command
        {
            Definition = method,
            Entity = new EntityId(ProbeEntity.EntityType, key),
            Message = new AddAmount { Id = key, Amount = 1 },
            Metadata = CallMetadata.Empty,
            CommandId = "guess",
        };

        // The entry pod owns the key, and asks the other one.
        var outcome = await _entry.Services.GetRequiredService<PeerLinks>().ForwardAsync(
            _owner.Cluster().Snapshot.Self!, command, DateTimeOffset.UtcNow + TestService.Patience);

        Assert.Null(outcome);
        Assert.Equal(0, await schema.QueryAsync<long>($"select count(*) from {schema.Name}.mt_events where stream_id = 'probe/{key}'"));
    }

    [Fact]
    public async Task SameCommandForwardedTwice_TakesEffectOnce()
    {
        var method = _entry.Services.GetRequiredService<EntityDefinitions>().Find("cloudstate.tests.probe.Probe/Add")!.Value.Command;
        var id = _owner.KeyOf(ProbeEntity.EntityType, "twice");
        var command = new Command { Definition = method, Entity = new EntityId(ProbeEntity.EntityType, id), Message = new AddAmount { Id = id, Amount = 5 }, Metadata = CallMetadata.Empty };
        command.EnsureCommandId();
        var peers = _entry.Services.GetRequiredService<PeerLinks>();

        var first = await peers.ForwardAsync(_owner.Cluster().Snapshot.Self!, command, DateTimeOffset.UtcNow + TestService.Patience);
        var second = await peers.ForwardAsync(_owner.Cluster().Snapshot.Self!, command, DateTimeOffset.UtcNow + TestService.Patience);

        Assert.Equal(new Total { Amount = 5 }, first!.Value.Reply);
        Assert.Equal(first.Value.Reply, second!.Value.Reply);
        Assert.Equal(1, await schema.QueryAsync<long>($"select count(*) from {schema.Name}.mt_events where stream_id = 'probe/{id}'"));
    }

    [Fact]
    public async Task InternalPort_IsForMembersOnly()
    {
        using var http = new HttpClient();

        Assert.Equal(HttpStatusCode.Unauthorized, (await http.SendAsync(Link("guessed"), Pods.Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri(_owner.InternalAddress(), "/carts/alice"), Pods.Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _owner.Http1.GetAsync("/cloudstate/cluster", Pods.Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _owner.Http2.GetAsync(PeerEndpoint.ForwardPath, Pods.Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Link_IsAnUpgrade()
    {
        using var http = new HttpClient();
        using var link = Link(_owner.Cluster().Snapshot.Self!.Secret);
        link.Headers.Upgrade.Clear();

        var refused = await http.SendAsync(link, Pods.Cancellation);

        Assert.Equal(HttpStatusCode.UpgradeRequired, refused.StatusCode);
        Assert.Equal(PeerLink.Protocol, refused.Headers.Upgrade.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task StoppingPod_AnswersWhatStillComes_UntilItsPeerEndsTheLinkOrIsSilent(bool isSilent)
    {
        using var http = new HttpClient();
        using var request = Link(_owner.Cluster().Snapshot.Self!.Secret);
        using var link = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Pods.Cancellation);
        Assert.Equal(HttpStatusCode.SwitchingProtocols, link.StatusCode);
        await using var stream = await link.Content.ReadAsStreamAsync(Pods.Cancellation);
        var output = new PeerOutput();
        output.Open(stream);
        var frames = Channel.CreateUnbounded<(PeerFrameKind Kind, ulong Call, bool IsNotOwner)>();
        var reading = PeerInput.ReadAllAsync(stream, frame => frames.Writer.TryWrite((frame.Kind, frame.Call, ForwardedOutcome.Parser.ParseFrom(frame.Head).NotOwner)), Pods.Cancellation);

        var stopping = _owner.StopAsync();
        Assert.Equal((PeerFrameKind.Closing, 0ul, false), await NextAsync());

        // By then the server has interrupted what its connections read.
        await RefusesConnectionsAsync();
        output.Send(PeerFrameKind.Ping);
        Assert.Equal((PeerFrameKind.Pong, 0ul, false), await NextAsync());
        output.Send(PeerFrameKind.Command, 5, new ForwardedCommand { Method = "cloudstate.tests.probe.Probe/Add", MicrosecondsLeft = 10_000_000, CommandId = "5" }, new AddAmount { Id = _id, Amount = 1 });
        Assert.Equal((PeerFrameKind.Outcome, 5ul, true), await NextAsync());
        Assert.False(stopping.IsCompleted);

        if (!isSilent)
        {
            await stream.DisposeAsync();
        }

        await stopping.WaitAsync(TestService.Patience, Pods.Cancellation);
        await reading.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TestService.Patience, Pods.Cancellation);

        async Task<(PeerFrameKind Kind, ulong Call, bool IsNotOwner)> NextAsync() =>
            await frames.Reader.ReadAsync(Pods.Cancellation).AsTask().WaitAsync(TestService.Patience, Pods.Cancellation);

        async Task RefusesConnectionsAsync()
        {
            try
            {
                while (true)
                {
                    using var client = new TcpClient();
                    await client.ConnectAsync(_owner.InternalAddress().Host, _owner.InternalAddress().Port, Pods.Cancellation);
                }
            }
            catch (SocketException)
            {
            }
        }
    }

    [Fact]
    public async Task Ring_IsReportedOnTheInternalPort_WithoutSecrets()
    {
        using var http = new HttpClient();
        var report = await http.GetStringAsync(new Uri(_entry.InternalAddress(), "/cloudstate/cluster"), Pods.Cancellation);

        Assert.All(_entry.Cluster().Snapshot.Members, member => Assert.Contains($"{member.Id}", report, StringComparison.Ordinal));
        Assert.All(_entry.Cluster().Snapshot.Members, member => Assert.DoesNotContain(member.Secret, report, StringComparison.Ordinal));
        Assert.Contains($"\"owned\":{_entry.Slots().Count(slot => slot.EntityType == Pods.CartType)}", report, StringComparison.Ordinal);
    }

    private HttpRequestMessage Link(string secret) => new(HttpMethod.Get, new Uri(_owner.InternalAddress(), PeerEndpoint.ForwardPath))
    {
        Headers = { Authorization = new("Bearer", secret), Connection = { "Upgrade" }, Upgrade = { new(PeerLink.Protocol) } },
    };

    private static Probe.ProbeClient ProbeOf(TestService pod) => new(pod.Channel);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
