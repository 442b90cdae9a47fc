using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Effects;
using CloudState.Knative.Entities;
using CloudState.Knative.Ownership;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace CloudState.Knative.Routing;

/// <summary>Where the other pods' links end: runs the commands that they forward, many at a time.</summary>
internal sealed class PeerEndpoint(EntityDefinitions definitions, ServiceCalls calls, RingState state, TimeProvider time)
{
    public const string ForwardPath = "/cloudstate/forward";

    private readonly CancellationTokenSource _closing = new();

    /// <summary>Ends the links once the commands on them have their outcomes.</summary>
    public void Close() => _closing.Cancel();

    public async Task HandleAsync(HttpContext http)
    {
        if (!IsAuthentic(http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        // A link is quiet for as long as there is nothing to forward.
        http.Features.Get<IHttpMinRequestBodyDataRateFeature>()?.MinDataRate = null;
        http.Features.Get<IHttpMinResponseDataRateFeature>()?.MinDataRate = null;
        http.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = null;

        var stream = new PeerStream();
        var running = new ConcurrentDictionary<ulong, (Task Execution, CancellationTokenSource Cancellation)>();
        var writing = stream.WriteAllAsync(http.Response.BodyWriter, http.RequestAborted);
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _closing.Token);
        try
        {
            await PeerStream.ReadAllAsync(http.Request.BodyReader, Handle, closed.Token);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException or InvalidDataException)
        {
        }

        // What was read is carried out, even if the peer is gone: it sends the command again, and then gets the same outcome.
        await Task.WhenAll(running.Values.Select(call => call.Execution));
        stream.Complete();
        await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        void Handle(PeerFrame frame)
        {
            switch (frame.ContentCase)
            {
                case PeerFrame.ContentOneofCase.Command:
                    Start(frame.Call, frame.Command);
                    break;
                case PeerFrame.ContentOneofCase.Cancel when running.TryGetValue(frame.Call, out var call):
                    call.Cancellation.Cancel();
                    break;
            }
        }

        void Start(ulong call, ForwardedCommand command)
        {
            var cancellation = new CancellationTokenSource();
            var finished = new TaskCompletionSource();
            running[call] = (finished.Task, cancellation);

            // Not on the thread that reads: a handler runs on the thread that brings its command.
            _ = Task.Run(ExecuteAsync);

            async Task ExecuteAsync()
            {
                var outcome = await RunAsync(command, cancellation.Token);
                stream.Send(new PeerFrame { Call = call, Outcome = outcome });
                running.TryRemove(call, out _);
                finished.SetResult();
            }
        }
    }

    private async Task<ForwardedOutcome> RunAsync(ForwardedCommand forwarded, CancellationToken cancelled)
    {
        if (definitions.Find(forwarded.Method) is not var (entity, definition))
        {
            return ToWire(CommandOutcome.Failed(StatusCode.Unimplemented, $"The pod that owns the entity has no method {forwarded.Method}; it runs another revision of the service."));
        }

        IMessage message;
        try
        {
            message = definition.Rpc.InputType.Parser.ParseFrom(forwarded.Message);
        }
        catch (InvalidProtocolBufferException unreadable)
        {
            return ToWire(CommandOutcome.Failed(StatusCode.Internal, $"The pod that owns the entity cannot read the command: {unreadable.Message}"));
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancelled, definition.IsStreaming ? _closing.Token : CancellationToken.None);
        var outcome = await calls.ExecuteForwardedAsync(new Command
        {
            Definition = definition,
            Key = new EntityKey(entity.EntityType, definition.Key.Read(message)),
            Message = message,
            Metadata = StoredCalls.ToMetadata(forwarded.Metadata),
            CommandId = forwarded.CommandId,
            HasMadeUpId = forwarded.MadeUpId,
            Depth = forwarded.Depth,
            Order = forwarded.OrderStream.Length == 0 ? null : new EventOrder(forwarded.OrderStream, forwarded.OrderSequence, TimeSpan.FromMicroseconds(forwarded.OrderHoldBackMicroseconds)),
            Deadline = time.GetUtcNow().AddMicroseconds(forwarded.MicrosecondsLeft),
            SeenVersion = forwarded.HasSeenVersion ? forwarded.SeenVersion : null,
            CallCancelled = ended.Token,
            Trace = TraceParent.Parse(forwarded.Traceparent, forwarded.Tracestate),
        });
        return ToWire(ended.IsCancellationRequested && !cancelled.IsCancellationRequested ? CommandOutcome.NotOwner : outcome);
    }

    private bool IsAuthentic(HttpRequest request) =>
        state.Ring.Self is { } self && CryptographicOperations.FixedTimeEquals(
            Encoding.ASCII.GetBytes(request.Headers.Authorization.ToString()), Encoding.ASCII.GetBytes($"Bearer {self.Secret}"));

    private static ForwardedOutcome ToWire(CommandOutcome outcome) => outcome.IsNotOwner
        ? new ForwardedOutcome { NotOwner = true }
        : new ForwardedOutcome
        {
            Unchanged = outcome.IsUnchanged,
            HeldBack = outcome.IsHeldBack,
            Version = outcome.Version,
            StoreUnavailable = outcome.IsStoreUnavailable,
            StatusCode = (int)outcome.Status.StatusCode,
            StatusDetail = outcome.Status.Detail ?? "",
            Reply = outcome.Reply?.ToByteString() ?? ByteString.Empty,
            Metadata = { StoredCalls.ToStored(outcome.Metadata ?? []) },
        };
}
