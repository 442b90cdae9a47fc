using System.Security.Cryptography;
using System.Text;
using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Crdts;
using CloudState.Knative.Entities;
using CloudState.Knative.Runtime;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace CloudState.Knative.Routing;

/// <summary>Where the other pods' links end: runs the commands that they forward, many at a time.</summary>
/// <remarks>
/// A pod that stops closes each link in agreement with its peer, so that neither commands nor outcomes are lost on their way: it says that it is
/// closing, carries out and answers what still comes, and waits for the peer to end the link when that has nothing to wait for any more. A peer
/// that is silent meanwhile is gone.
/// </remarks>
internal sealed class PeerEndpoint(
    EntityDefinitions definitions, Func<Command, ValueTask<CallOutcome>> execute, ReplicaSync replicas, ClusterState state, ClusterOptions options, TimeProvider time)
{
    public const string ForwardPath = "/cloudstate/forward";

    private readonly CancellationTokenSource _closing = new();

    /// <summary>Ends the links once the commands on them have their outcomes.</summary>
    public void Close() => _closing.Cancel();

    public Task HandleAsync(HttpContext http)
    {
        if (!IsAuthentic(http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        }
        else if (_closing.IsCancellationRequested)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
        else if (http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade && http.Request.Headers.Upgrade == PeerLink.Protocol)
        {
            return ServeAsync(http, upgrade);
        }
        else
        {
            http.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            http.Response.Headers.Upgrade = PeerLink.Protocol;
        }

        return Task.CompletedTask;
    }

    private async Task ServeAsync(HttpContext http, IHttpUpgradeFeature upgrade)
    {
        // A link is quiet for as long as there is nothing to forward.
        http.Features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
        http.Features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
        http.Response.Headers.Upgrade = PeerLink.Protocol;
        var stream = await upgrade.UpgradeAsync();

        var output = new PeerOutput();
        var forwarded = new ForwardedCalls(definitions, execute, replicas, time, output, _closing.Token);
        using var peerGone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        output.Open(stream);
        try
        {
            using var closing = _closing.Token.UnsafeRegister(_ =>
            {
                output.Send(PeerFrameKind.Closing);
                ExpectPeer();
            }, null);
            await PeerInput.ReadAllAsync(stream, Handle, peerGone.Token);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException or InvalidDataException)
        {
        }

        // What was read is carried out, even if the peer is gone: it sends the command again, and then gets the same outcome.
        await forwarded.AllEndedAsync();
        await output.CompleteAsync();

        void Handle(PeerFrame frame)
        {
            switch (frame.Kind)
            {
                case PeerFrameKind.Command:
                    forwarded.Start(frame);
                    break;
                case PeerFrameKind.Cancel:
                    forwarded.Cancel(frame.Call);
                    break;
                case PeerFrameKind.Updates:
                    replicas.Receive(ReplicaUpdates.Parser.ParseFrom(frame.Head));
                    break;
                case PeerFrameKind.Confirm:
                    forwarded.Confirm(frame);
                    break;
                case PeerFrameKind.Ping:
                    output.Send(PeerFrameKind.Pong);
                    break;
            }

            if (_closing.IsCancellationRequested)
            {
                ExpectPeer();
            }
        }

        // It ends the link, or waits and pings.
        void ExpectPeer() => peerGone.CancelAfter(options.ForwardTimeout);
    }

    /// <summary>Whether a request has the secret of this member.</summary>
    public bool IsAuthentic(HttpRequest request) =>
        state.Snapshot.Self is { } self && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(request.Headers.Authorization.ToString()), Encoding.ASCII.GetBytes($"Bearer {self.Secret}"));
}
