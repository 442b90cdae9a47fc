using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>A link to a pod that behaves as no pod of ours does, or only when something is wrong.</summary>
public sealed class PeerLinkTests : IDisposable
{
    private static readonly ClusterOptions Options = new();

    private readonly ScriptedPeer _peer = new();
    private readonly PeerLinks _links = new(Options, TimeProvider.System, NullLogger<PeerLinks>.Instance);

    public void Dispose()
    {
        _links.Dispose();
        _peer.Dispose();
    }

    [Fact]
    public async Task Upgrade_IsAskedForWithTheSecretOfThePeer()
    {
        var outcome = ForwardAsync();
        using var link = await _peer.AcceptAsync();
        var (_, call) = await ReceiveAsync(link, PeerFrameKind.Command);
        link.Send(PeerFrameKind.Outcome, call, new ForwardedOutcome(), new Total { Amount = 7 });

        Assert.StartsWith($"GET {PeerEndpoint.ForwardPath} HTTP/1.1\r\n", link.Request, StringComparison.Ordinal);
        Assert.Contains("Authorization: Bearer secret\r\n", link.Request, StringComparison.Ordinal);
        Assert.Contains($"Upgrade: {PeerLink.Protocol}\r\n", link.Request, StringComparison.Ordinal);
        Assert.Equal(new Total { Amount = 7 }, (await outcome)!.Value.Reply);
    }

    [Theory]
    [InlineData("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "it answers 401")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "it answers 200")]
    public async Task RefusedUpgrade_IsUnreachable(string answer, string reason)
    {
        var outcome = ForwardAsync();
        using var link = await _peer.AcceptAsync(answer);

        Assert.Equal(reason, (await Assert.ThrowsAsync<PeerUnreachableException>(() => outcome)).Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SilentPeer_IsGivenUp_AfterAPing(bool hasAccepted)
    {
        var started = Stopwatch.GetTimestamp();
        var outcome = ForwardAsync();
        using var link = hasAccepted ? await _peer.AcceptAsync() : await _peer.AcceptAsync("");
        if (hasAccepted)
        {
            await ReceiveAsync(link, PeerFrameKind.Command);
            await ReceiveAsync(link, PeerFrameKind.Ping);
        }

        Assert.Equal("it is silent", (await Assert.ThrowsAsync<PeerUnreachableException>(() => outcome)).Message);
        Assert.InRange(Stopwatch.GetElapsedTime(started), Options.ForwardTimeout / 2, TestService.Patience);
        if (hasAccepted)
        {
            Assert.Null(await link.ReceiveAsync());
        }
    }

    [Fact]
    public async Task SlowPeer_IsWaitedFor_AsLongAsItAnswersPings()
    {
        var outcome = ForwardAsync();
        using var link = await _peer.AcceptAsync();
        var (_, call) = await ReceiveAsync(link, PeerFrameKind.Command);

        // Each comes after half of the time limit.
        for (var ping = 0; ping < 3; ping++)
        {
            await ReceiveAsync(link, PeerFrameKind.Ping);
            link.Send(PeerFrameKind.Pong);
        }

        link.Send(PeerFrameKind.Outcome, call, new ForwardedOutcome(), new Total { Amount = 1 });
        Assert.Equal(new Total { Amount = 1 }, (await outcome)!.Value.Reply);
    }

    [Fact]
    public async Task BrokenLink_IsUnreachable_AndOpenedAgain()
    {
        var lost = ForwardAsync();
        using (var link = await _peer.AcceptAsync())
        {
            await ReceiveAsync(link, PeerFrameKind.Command);
        }

        await Assert.ThrowsAsync<PeerUnreachableException>(() => lost);
        var again = ForwardAsync();
        using var next = await _peer.AcceptAsync();
        var (_, call) = await ReceiveAsync(next, PeerFrameKind.Command);
        next.Send(PeerFrameKind.Outcome, call, new ForwardedOutcome { NotOwner = true });

        Assert.Null(await again);
    }

    [Fact]
    public async Task NonsenseOnTheLink_BreaksIt()
    {
        var outcome = ForwardAsync();
        using var link = await _peer.AcceptAsync(ScriptedPeer.Accepts + "HTTP/1.1 500 no frame");

        Assert.Contains("announced a frame", (await Assert.ThrowsAsync<PeerUnreachableException>(() => outcome)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClosingPeer_GetsNoFurtherCommands_AndItsLastOutcomesArrive()
    {
        var (first, second) = (ForwardAsync(), ForwardAsync());
        using var link = await _peer.AcceptAsync();
        var (_, firstCall) = await ReceiveAsync(link, PeerFrameKind.Command);
        var (_, secondCall) = await ReceiveAsync(link, PeerFrameKind.Command);

        link.Send(PeerFrameKind.Closing);
        link.Send(PeerFrameKind.Outcome, secondCall, new ForwardedOutcome(), new Total { Amount = 2 });
        Assert.Equal(new Total { Amount = 2 }, (await second)!.Value.Reply);

        var third = ForwardAsync();
        using var next = await _peer.AcceptAsync();
        var (_, thirdCall) = await ReceiveAsync(next, PeerFrameKind.Command);
        next.Send(PeerFrameKind.Outcome, thirdCall, new ForwardedOutcome(), new Total { Amount = 3 });
        Assert.Equal(new Total { Amount = 3 }, (await third)!.Value.Reply);

        link.Send(PeerFrameKind.Outcome, firstCall, new ForwardedOutcome(), new Total { Amount = 1 });
        Assert.Equal(new Total { Amount = 1 }, (await first)!.Value.Reply);
        Assert.Null(await link.ReceiveAsync());
    }

    [Fact]
    public async Task CallerWhoseTimeIsOver_LeavesAndTellsThePeer()
    {
        var inTime = ForwardAsync();
        using var link = await _peer.AcceptAsync();
        var (_, firstCall) = await ReceiveAsync(link, PeerFrameKind.Command);
        link.Send(PeerFrameKind.Outcome, firstCall, new ForwardedOutcome(), new Total { Amount = 1 });
        await inTime;

        var late = ForwardAsync(TimeSpan.FromMilliseconds(300));
        var (_, call) = await ReceiveAsync(link, PeerFrameKind.Command);

        await Assert.ThrowsAsync<TimeoutException>(() => late);
        Assert.Equal((PeerFrameKind.Cancel, call), await link.ReceiveAsync());
    }

    [Fact]
    public async Task CallerWhoIsGone_LeavesAndTellsThePeer()
    {
        using var cancellation = new CancellationTokenSource();
        var gone = ForwardAsync(cancelled: cancellation.Token);
        using var link = await _peer.AcceptAsync();
        var (_, call) = await ReceiveAsync(link, PeerFrameKind.Command);

        await cancellation.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => gone);
        Assert.Equal((PeerFrameKind.Cancel, call), await link.ReceiveAsync());
    }

    private Task<CallOutcome?> ForwardAsync(TimeSpan? patience = null, CancellationToken cancelled = default)
    {
        var definition = EntityDefinitionReader.Read(typeof(ProbeEntity)).Commands.Values.Single(command => command.FullName == "cloudstate.tests.probe.Probe/Add");
        var command = new Command
        {
            Definition = definition,
            Entity = new EntityId(ProbeEntity.EntityType, "x"),
            Message = new AddAmount { Id = "x", Amount = 1 },
            Metadata = CallMetadata.Empty,
            CallCancelled = cancelled,
        };
        command.EnsureCommandId();
        return _links.ForwardAsync(_peer.Member, command, DateTimeOffset.UtcNow + (patience ?? TestService.Patience)).WaitAsync(2 * TestService.Patience);
    }

    private static async Task<(PeerFrameKind Kind, ulong Call)> ReceiveAsync(ScriptedPeer.Link link, PeerFrameKind kind)
    {
        var frame = (await link.ReceiveAsync())!.Value;
        Assert.Equal(kind, frame.Kind);
        return frame;
    }
}
