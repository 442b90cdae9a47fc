using System.Collections.Concurrent;
using System.Diagnostics;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Effects;
using CloudState.Knative.Hosting;
using CloudState.Knative.Ownership;
using CloudState.Knative.Runtime;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Routing;

/// <summary>The links to the other pods, one each, opened when first needed.</summary>
internal sealed partial class PeerLinks : IDisposable
{
    // The shortest that SocketsHttpHandler takes.
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Guid, Lazy<PeerLink>> _links = new();
    private readonly ConcurrentDictionary<Guid, bool> _unreachable = new();
    private readonly TimeProvider _time;
    private readonly ILogger<PeerLinks> _logger;
    private readonly HttpMessageInvoker _http;

    public PeerLinks(RingOptions options, TimeProvider time, ILogger<PeerLinks> logger)
    {
        _time = time;
        _logger = logger;
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ActivityHeadersPropagator = null,
            AllowAutoRedirect = false,
            ConnectTimeout = options.ForwardTimeout,
            KeepAlivePingDelay = PingDelay,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            KeepAlivePingTimeout = options.ForwardTimeout - PingDelay,
            UseCookies = false,
            UseProxy = false,
        });
    }

    /// <summary>Has a command run by its owner. Null when that says that it is not the owner.</summary>
    /// <exception cref="PeerUnreachableException">The outcome is not known.</exception>
    /// <exception cref="TimeoutException">The caller's time is over.</exception>
    public async Task<CommandOutcome?> ForwardAsync(Member owner, Command command, DateTimeOffset deadline)
    {
        using var span = CloudStateTelemetry.StartForward(command, owner.Address);
        var started = Stopwatch.GetTimestamp();
        var result = "unreachable";
        try
        {
            var timeLeft = deadline - _time.GetUtcNow();
            if (timeLeft <= TimeSpan.Zero)
            {
                throw new TimeoutException();
            }

            var outcome = await Find(owner).SendAsync(ToWire(command, timeLeft, span?.Context ?? command.Trace), timeLeft, _time, command.CallCancelled);
            result = outcome.NotOwner ? "not_owner" : "outcome";
            _unreachable.TryRemove(owner.Id, out _);
            return outcome.NotOwner ? null : FromWire(command, outcome);
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

    /// <summary>Closes the links to those who are no longer members: what waits for them is to be sent to somebody else.</summary>
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
            var link = _links.GetOrAdd(peer.Id, static (_, args) => new Lazy<PeerLink>(() => new PeerLink(args.peer, args._http)), (peer, _http));
            if (!link.Value.Ended.IsCompleted)
            {
                return link.Value;
            }

            _links.TryRemove(KeyValuePair.Create(peer.Id, link));
        }
    }

    private static ForwardedCommand ToWire(Command command, TimeSpan timeLeft, ActivityContext trace)
    {
        var forwarded = new ForwardedCommand
        {
            Method = command.Definition.FullName,
            Message = command.Message.ToByteString(),
            CommandId = command.CommandId,
            MadeUpId = command.HasMadeUpId,
            Depth = command.Depth,
            OrderStream = command.Order?.Stream ?? "",
            OrderSequence = command.Order?.Sequence ?? 0,
            OrderHoldBackMicroseconds = (long)(command.Order?.HoldBack.TotalMicroseconds ?? 0),
            Traceparent = TraceParent.Of(trace),
            Tracestate = trace.TraceState ?? "",
            MicrosecondsLeft = (long)timeLeft.TotalMicroseconds,
        };
        if (command.SeenVersion is { } seen)
        {
            forwarded.SeenVersion = seen;
        }

        forwarded.Metadata.AddRange(StoredCalls.ToStored(command.Metadata));
        return forwarded;
    }

    private static CommandOutcome FromWire(Command command, ForwardedOutcome outcome)
    {
        var status = new Status((StatusCode)outcome.StatusCode, outcome.StatusDetail);
        return status.StatusCode == StatusCode.OK ? CommandOutcome.Replied(command.Definition.Rpc.OutputType.Parser.ParseFrom(outcome.Reply)) with
        {
            Version = outcome.Version,
            Metadata = outcome.Metadata.Count == 0 ? null : StoredCalls.ToPairs(outcome.Metadata),
        }
            : outcome.Unchanged ? CommandOutcome.Unchanged
            : outcome.HeldBack ? CommandOutcome.HeldBack(status)
            : outcome.StoreUnavailable ? CommandOutcome.OwnerLacksStore(status)
            : CommandOutcome.Rejected(status);
    }
}
