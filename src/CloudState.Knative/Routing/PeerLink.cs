using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using CloudState.Knative.Crdts;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Routing;

/// <summary>The connection to one other pod, and the commands that wait for their outcome on it. It lives until it breaks.</summary>
/// <remarks>
/// An HTTP/1.1 connection that leaves HTTP behind (RFC 9110, section 7.8) and carries <see cref="PeerFrame"/>s from then on. Silence for half of
/// the time limit is followed by a ping, which a pod that is only slow answers; silence for all of it ends the link. Silence is counted in ticks
/// of a timer, not taken from the clock: so a process that was paused itself does not blame its peers.
/// Example, with a limit of two seconds: a command is sent to a pod that is cut off. After one second comes a ping, after two seconds
/// the outcome of the command is known to be unknown, and its router tries again.
/// </remarks>
internal sealed class PeerLink : IDisposable
{
    public const string Protocol = "cloudstate-forward";

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<ulong, PeerCall> _waiting = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly PeerOutput _output = new();
    private readonly Member _peer;
    private readonly TimeProvider _time;
    private readonly int _longestSilence;
    private ulong _lastCall;
    private int _silence;
    private volatile bool _isClosing;
    private string _whyEnded = "the other pod has ended the link";

    public PeerLink(Member peer, HttpMessageInvoker http, TimeSpan timeout, TimeProvider time)
    {
        _peer = peer;
        _time = time;
        _longestSilence = (int)(timeout / Tick);
        _ = RunAsync(http);
    }

    /// <summary>False once the link is broken or closed, or the peer takes no further commands on it.</summary>
    public bool IsOpen => !_isClosing;

    /// <summary>Sends a command. Its task fails with a <see cref="PeerUnreachableException"/> when the link breaks before its outcome is there.</summary>
    public PeerCall Send(Command command, ForwardedCommand head, DateTimeOffset deadline) => Send(PeerFrameKind.Command, command, head, deadline);

    /// <summary>As <see cref="Send(Command, ForwardedCommand, DateTimeOffset)"/>, for the question whether the peer has merged what was stored of a replicated value.</summary>
    public PeerCall Confirm(ReplicaPoint stored, DateTimeOffset deadline) => Send(PeerFrameKind.Confirm, Command.Confirm(stored), head: null, deadline);

    private PeerCall Send(PeerFrameKind kind, Command command, ForwardedCommand? head, DateTimeOffset deadline)
    {
        var call = new PeerCall(this, Interlocked.Increment(ref _lastCall), command, deadline);
        _waiting[call.Number] = call;
        if (!_output.Send(kind, call.Number, head, command.Message))
        {
            FailWaiting();
        }

        return call;
    }

    /// <summary>Tells what was stored of replicated values. Nobody hears whether it arrives.</summary>
    public void Tell(ReplicaUpdates updates) => _output.Send(PeerFrameKind.Updates, call: 0, updates);

    /// <summary>Lets a call end without its outcome.</summary>
    public void GiveUp(PeerCall call, Exception reason)
    {
        if (_waiting.TryRemove(call.Number, out _))
        {
            _output.Send(PeerFrameKind.Cancel, call.Number);
            call.TrySetException(reason);
        }
    }

    public void Dispose() => End("it is not a member any more");

    private async Task RunAsync(HttpMessageInvoker http)
    {
        try
        {
            using var timer = _time.CreateTimer(static link => ((PeerLink)link!).Watch(), this, Tick, Tick);
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{_peer.Address}{PeerEndpoint.ForwardPath}")
            {
                Version = HttpVersion.Version11,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Headers =
                {
                    Authorization = new AuthenticationHeaderValue("Bearer", _peer.Secret),
                    Connection = { "Upgrade" },
                    Upgrade = { new ProductHeaderValue(Protocol) },
                },
            };
            using var response = await http.SendAsync(request, _closed.Token);
            if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                _whyEnded = $"it answers {(int)response.StatusCode}";
                return;
            }

            var stream = await response.Content.ReadAsStreamAsync(_closed.Token);
            _output.Open(stream);
            await PeerInput.ReadAllAsync(stream, Handle, _closed.Token);
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or InvalidDataException or OperationCanceledException)
        {
            _whyEnded = broken.Message;
        }
        finally
        {
            _isClosing = true;
            _ = _output.CompleteAsync();
            FailWaiting();
        }
    }

    private void Handle(PeerFrame frame)
    {
        _silence = 0;
        switch (frame.Kind)
        {
            case PeerFrameKind.Outcome when _waiting.TryRemove(frame.Call, out var call):
                call.Answer(frame);
                break;
            case PeerFrameKind.Closing:
                _isClosing = true;
                break;
        }

        if (_isClosing && _waiting.IsEmpty)
        {
            _closed.Cancel();
        }
    }

    /// <summary>Looks, every now and then, for calls whose time is over, and whether the peer is still there.</summary>
    private void Watch()
    {
        var now = _time.GetUtcNow();
        foreach (var (_, call) in _waiting)
        {
            if (call.Deadline <= now)
            {
                GiveUp(call, new TimeoutException());
            }
        }

        _silence++;
        if (_silence == _longestSilence / 2)
        {
            _output.Send(PeerFrameKind.Ping);
        }
        else if (_silence >= _longestSilence)
        {
            End("it is silent");
        }
    }

    private void End(string reason)
    {
        _whyEnded = reason;
        _closed.Cancel();
    }

    private void FailWaiting()
    {
        foreach (var call in _waiting.Keys)
        {
            if (_waiting.TryRemove(call, out var waiting))
            {
                waiting.TrySetException(new PeerUnreachableException(_whyEnded));
            }
        }
    }
}

/// <summary>A pod did not answer. It is not known what became of the command.</summary>
internal sealed class PeerUnreachableException(string message) : Exception(message);
