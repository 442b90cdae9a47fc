using System.Collections.Concurrent;
using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Crdts;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Routing;

/// <summary>The links to the other pods, one each, opened when first needed.</summary>
internal sealed partial class PeerLinks : IDisposable
{
    private readonly ConcurrentDictionary<Guid, Lazy<PeerLink>> _links = new();
    private readonly ConcurrentDictionary<Guid, bool> _unreachable = new();
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ILogger<PeerLinks> _logger;
    private readonly HttpMessageInvoker _http;

    public PeerLinks(ClusterOptions options, TimeProvider time, ILogger<PeerLinks> logger)
    {
        _timeout = options.ForwardTimeout;
        _time = time;
        _logger = logger;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            AllowAutoRedirect = false,
            ConnectTimeout = options.ForwardTimeout,
            UseCookies = false,
            UseProxy = false,
        });
    }

    /// <summary>Has a command run by its owner. Null when that says that it is not the owner.</summary>
    /// <exception cref="PeerUnreachableException">The outcome is not known.</exception>
    /// <exception cref="TimeoutException">The caller's time is over.</exception>
    public async Task<CallOutcome?> ForwardAsync(Member owner, Command command, DateTimeOffset deadline)
    {
        using var span = CloudStateTelemetry.StartEntity("forward", command.Entity.Type, command.Entity.Key, ActivityKind.Client, command.Trace)?.SetTag("server.address", owner.Address);
        var started = Stopwatch.GetTimestamp();
        var result = "unreachable";
        try
        {
            var timeLeft = deadline - _time.GetUtcNow();
            if (timeLeft <= TimeSpan.Zero)
            {
                throw new TimeoutException();
            }

            var call = Find(owner).Send(command, ForwardedMessages.ToHead(command, timeLeft, span?.Context ?? command.Trace), deadline);
            using var cancellation = command.CallCancelled.UnsafeRegister(static call => ((PeerCall)call!).GiveUp(new OperationCanceledException()), call);
            var outcome = await call.Task;
            result = outcome is null ? "not_owner" : "outcome";
            _unreachable.TryRemove(owner.Id, out _);
            return outcome;
        }
        catch (PeerUnreachableException unreachable)
        {
            if (_unreachable.TryAdd(owner.Id, true))
            {
                LogUnreachable(owner.Id, owner.Address, unreachable.Message);
            }

            throw;
        }
        finally
        {
            CloudStateTelemetry.Forwarded(Stopwatch.GetElapsedTime(started), result);
        }
    }

    /// <summary>Tells another pod what was stored of replicated values. It may get lost.</summary>
    public void Tell(Member peer, ReplicaUpdates updates) => Find(peer).Tell(updates);

    /// <summary>Has another pod merge what was stored of a replicated value. False if it could not.</summary>
    /// <exception cref="TimeoutException">The caller's time is over.</exception>
    public async Task<bool> ConfirmAsync(Member peer, ReplicaPoint stored, DateTimeOffset deadline)
    {
        try
        {
            return await Find(peer).Confirm(stored, deadline).Task is { IsOk: true };
        }
        catch (PeerUnreachableException)
        {
            return false;
        }
    }

    /// <summary>Closes the links to processes that are no longer members: what waits for them is to be sent to another one.</summary>
    public void KeepOnly(IReadOnlyList<Member> members)
    {
        foreach (var (id, link) in _links)
        {
            if (members.All(member => member.Id != id) && _links.TryRemove(id, out _))
            {
                _unreachable.TryRemove(id, out _);
                link.Value.Dispose();
            }
        }
    }

    public void Dispose()
    {
        KeepOnly([]);
        _http.Dispose();
    }

    [LoggerMessage(40, LogLevel.Warning, "Member {Member} at {Address} cannot be reached ({Reason}); trying again. If this lasts, see that the internal port is open between the pods.", EventName = "PeerUnreachable")]
    private partial void LogUnreachable(Guid member, string address, string reason);

    private PeerLink Find(Member peer)
    {
        while (true)
        {
            var link = _links.GetOrAdd(peer.Id, static (_, args) => args.links.Open(args.peer), (links: this, peer));
            if (link.Value.IsOpen)
            {
                return link.Value;
            }

            _links.TryRemove(KeyValuePair.Create(peer.Id, link));
        }
    }

    private Lazy<PeerLink> Open(Member peer) => new(() => new PeerLink(peer, _http, _timeout, _time));
}
