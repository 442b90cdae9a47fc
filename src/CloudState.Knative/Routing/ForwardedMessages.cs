using System.Diagnostics;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;

namespace CloudState.Knative.Routing;

/// <summary>Turns commands and outcomes into the heads of frames, and frames back into them.</summary>
internal static class ForwardedMessages
{
    public static ForwardedCommand ToHead(Command command, TimeSpan timeLeft, ActivityContext trace)
    {
        var head = new ForwardedCommand
        {
            Method = command.Definition.FullName,
            CommandId = command.CommandId,
            HasEdge = true,
            MadeUpId = command.HasGeneratedId,
            Depth = command.Depth,
            OrderStream = command.Order?.Stream ?? "",
            OrderSequence = command.Order?.Sequence ?? 0,
            Traceparent = TraceParent.Of(trace),
            Tracestate = trace.TraceState ?? "",
            MicrosecondsLeft = (long)timeLeft.TotalMicroseconds,
        };
        if (command.Order?.HoldBack is { } holdBack)
        {
            head.OrderHoldBackMicroseconds = (long)holdBack.TotalMicroseconds;
        }

        if (command.SeenVersion is { } seen)
        {
            head.SeenVersion = seen;
        }

        Add(head.Metadata, command.Metadata);
        return head;
    }

    public static Command ToCommand(
        ForwardedCommand head, IMessage message, EntityDefinition entity, CommandDefinition definition, DateTimeOffset now, CancellationToken cancelled) => new()
        {
            Definition = definition,
            Entity = new EntityId(entity.EntityType, definition.Key.Read(message)),
            Message = message,
            // One of its own, which knows whether it was read.
            Metadata = head.Metadata.Count == 0 && !definition.IsStreaming ? CallMetadata.Empty : new(ToPairs(head.Metadata)),
            CommandId = head.HasEdge ? head.CommandId : IdOfEarlierRelease(head),
            HasGeneratedId = head.MadeUpId,
            Depth = head.Depth,
            Order = head.OrderStream.Length == 0 ? null : new EventOrder(head.OrderStream, head.OrderSequence)
            {
                HoldBack = head.HasOrderHoldBackMicroseconds ? TimeSpan.FromMicroseconds(head.OrderHoldBackMicroseconds) : null,
            },
            Deadline = now.AddMicroseconds(head.MicrosecondsLeft),
            SeenVersion = head.HasSeenVersion ? head.SeenVersion : null,
            CallCancelled = cancelled,
            Trace = TraceParent.Parse(head.Traceparent, head.Tracestate),
        };

    public static ForwardedOutcome ToHead(CallOutcome outcome)
    {
        if (outcome.Kind == OutcomeKind.NotOwner)
        {
            return new ForwardedOutcome { NotOwner = true };
        }

        var head = new ForwardedOutcome
        {
            Unchanged = outcome.Kind == OutcomeKind.Unchanged,
            HeldBack = outcome.Kind == OutcomeKind.HeldBack,
            StoreUnavailable = outcome.Kind == OutcomeKind.StoreUnavailable,
            Version = outcome.Version,
            SameForAll = outcome.IsSameForAll,
            NoReply = outcome is { IsOk: true, IsReply: false },
            EndsStream = outcome.EndsStream,
            Position = outcome.Position ?? "",
            StatusCode = (int)outcome.Status.StatusCode,
            StatusDetail = outcome.Status.Detail ?? "",
        };
        Add(head.Metadata, outcome.Metadata ?? []);
        return head;
    }

    /// <summary>Null if the peer is not the owner.</summary>
    public static CallOutcome? ToOutcome(PeerFrame frame, CommandDefinition definition)
    {
        var head = ForwardedOutcome.Parser.ParseFrom(frame.Head);
        var status = new Status((StatusCode)head.StatusCode, head.StatusDetail);
        return head switch
        {
            { NotOwner: true } => null,
            { NoReply: true } => CallOutcome.WithoutReply(followUp: null) with { Version = head.Version, EndsStream = head.EndsStream },
            { StatusCode: (int)StatusCode.OK } => CallOutcome.Replied(definition.Rpc.OutputType.Parse(frame.Body)) with
            {
                Version = head.Version,
                IsSameForAll = head.SameForAll,
                EndsStream = head.EndsStream,
                Position = head.Position.Length == 0 ? null : head.Position,
                Metadata = head.Metadata.Count == 0 ? null : ToPairs(head.Metadata),
            },
            { Unchanged: true } => CallOutcome.Unchanged,
            { HeldBack: true } => CallOutcome.Received(OutcomeKind.HeldBack, status),
            { StoreUnavailable: true } => CallOutcome.Received(OutcomeKind.StoreUnavailable, status),
            _ => CallOutcome.Rejected(status),
        };
    }

    /// <summary>Earlier releases do not say which edge an id comes from, but the header that a client gave it in comes along. Keys may have spaces, as ids of events have.</summary>
    private static string IdOfEarlierRelease(ForwardedCommand head)
    {
        for (var index = 0; index + 1 < head.Metadata.Count; index += 2)
        {
            if (head.Metadata[index].Equals(CallHeaders.CommandId, StringComparison.OrdinalIgnoreCase) && head.Metadata[index + 1] == head.CommandId)
            {
                return CommandIds.OfKey(head.CommandId);
            }
        }

        var isFromLog = head.OrderStream.Length > 0 && !head.HasOrderHoldBackMicroseconds;
        return head.Depth > 0 && !isFromLog ? CommandIds.OfCallOfEarlierRelease(head.CommandId) : CommandIds.OfEarlierRelease(head.CommandId, isFromLog);
    }

    private static void Add(RepeatedField<string> head, IReadOnlyCollection<KeyValuePair<string, string>> metadata)
    {
        if (metadata.Count == 0)
        {
            return;
        }

        head.Capacity = 2 * metadata.Count;
        foreach (var (name, value) in metadata)
        {
            head.Add(name);
            head.Add(value);
        }
    }

    private static KeyValuePair<string, string>[] ToPairs(RepeatedField<string> metadata)
    {
        var pairs = new KeyValuePair<string, string>[metadata.Count / 2];
        for (var index = 0; index < pairs.Length; index++)
        {
            pairs[index] = new(metadata[2 * index], metadata[(2 * index) + 1]);
        }

        return pairs;
    }
}
