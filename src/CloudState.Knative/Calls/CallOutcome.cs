using System.Diagnostics;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Calls;

/// <summary>How a command ended: with a reply, or with a status that says why there is none.</summary>
internal readonly record struct CallOutcome
{
    private CallOutcome(IMessage? reply, Status status)
    {
        Reply = reply;
        Status = status;
    }

    /// <summary>The command has not run, or has left no trace: this process does not own the entity, or does no longer. For routing, not for callers.</summary>
    public static CallOutcome NotOwner { get; } =
        Failed(StatusCode.Unavailable, "This process does not own the entity.") with { IsNotOwner = true };

    public static CallOutcome TooLate { get; } = Failed(StatusCode.DeadlineExceeded, "The command did not finish in time. It is not known whether it took effect.");

    public static CallOutcome CallerGone { get; } = Failed(StatusCode.Cancelled, "The caller has gone. It is not known whether the command took effect.");

    /// <summary>The entity is still at the version that the caller of a streaming rpc has seen.</summary>
    public static CallOutcome Unchanged { get; } = Failed(StatusCode.DeadlineExceeded, "The entity did not change in time.") with { IsUnchanged = true };

    public bool IsUnchanged { get; private init; }

    /// <summary>For the reply of a streaming rpc: the version of the entity that it shows.</summary>
    public long Version { get; init; }

    public bool IsNotOwner { get; private init; }

    /// <summary>The command has not run: those have not come yet that belong before it.</summary>
    public bool IsHeldBack { get; private init; }

    /// <summary>The store of the process that owns the entity does not answer. It is not known whether the command took effect.</summary>
    public bool IsStoreUnavailable { get; private init; }

    public IMessage? Reply { get; }

    /// <summary>What goes out with the reply; null when there is nothing.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Metadata { get; init; }

    /// <summary>What is left to do before the caller hears of this outcome; null when there is nothing.</summary>
    public FollowUpCalls? FollowUp { get; init; }

    public Status Status { get; }

    /// <summary>How long to wait at least before the same is tried again; null when nobody has said so.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public bool IsReply => Reply is not null;

    public static CallOutcome Replied(IMessage reply) => new(reply, Status.DefaultSuccess);

    /// <summary>The handler has no reply of its own: it leaves that to another rpc, or its replies are over.</summary>
    public static CallOutcome WithoutReply(FollowUpCalls followUp) => new(null, Status.DefaultSuccess) { FollowUp = followUp };

    /// <summary>A handler has failed unexpectedly: the caller gets a trace id, and the exception only on demand.</summary>
    public static CallOutcome Unexpected(string what, ActivityTraceId traceId, Exception? shown)
    {
        var detail = $"Unexpected {what} failure (trace id {traceId})";
        return Failed(StatusCode.Internal, shown is null ? detail : $"{detail}: {shown.Message}");
    }

    public static CallOutcome Rejected(Status status) => new(null, status);

    public static CallOutcome Failed(StatusCode code, string detail) => new(null, new Status(code, detail));

    /// <summary>Somebody gave a used command id to another command.</summary>
    public static CallOutcome IdReused(string commandId, string firstMethod) => Failed(
        StatusCode.InvalidArgument,
        $"The command id '{commandId}' was used before, for a different command ({firstMethod}). Give every command an id of its own, and repeat a command unchanged.");

    /// <summary>Commands that belong before this one have not come yet.</summary>
    public static CallOutcome HeldBack(EventOrder order, long last) => HeldBack(new Status(
        StatusCode.Aborted, $"The event is held back: it is number {order.Sequence} of {order.Stream}, and number {last + 1} has not come yet. Deliver it again."));

    /// <summary>What another process has said of the order.</summary>
    public static CallOutcome HeldBack(Status status) => Rejected(status) with { IsHeldBack = true };

    public static CallOutcome StoreUnavailable(string detail) =>
        OwnerLacksStore(new Status(StatusCode.Unavailable, $"The store is not available ({detail}). Try again."));

    /// <summary>What another process has said of its store.</summary>
    public static CallOutcome OwnerLacksStore(Status status) => Rejected(status) with { IsStoreUnavailable = true };

    public CommandRecord ToRecord(Command command, long fingerprint, DateTimeOffset handledAt) => new(
        command.CommandId!, command.Definition.FullName, fingerprint,
        (int)Status.StatusCode, Status.Detail ?? "", Reply?.ToByteString() ?? ByteString.Empty, handledAt)
    {
        Details = Details(command),
    };

    /// <summary>What a repetition of the recorded command is answered.</summary>
    public static CallOutcome Repeat(CommandRecord record, Command command, long fingerprint)
    {
        if (record.Method != command.Definition.FullName || record.Fingerprint != fingerprint)
        {
            return IdReused(record.CommandId, record.Method);
        }

        if (record.StatusCode != (int)StatusCode.OK)
        {
            return Rejected(new Status((StatusCode)record.StatusCode, record.StatusDetail));
        }

        var details = record.Details.IsEmpty ? null : OutcomeDetails.Parser.ParseFrom(record.Details);
        return details?.Forward is { } forward
            ? WithoutReply(new FollowUpCalls([], new PlannedCall(details.ForwardId, StoredCalls.ToCall(forward), IsSynchronous: true)))
            : Replied(command.Definition.Rpc.OutputType.Parser.ParseFrom(record.Reply)) with
            {
                Metadata = details is null ? null : StoredCalls.ToPairs(details.Metadata),
            };
    }

    private ByteString Details(Command command)
    {
        if (Metadata is null && FollowUp?.Forward is null)
        {
            return ByteString.Empty;
        }

        var details = new OutcomeDetails { Metadata = { StoredCalls.ToStored(Metadata ?? []) } };
        if (FollowUp?.Forward is { } forward)
        {
            details.Forward = StoredCalls.ToStored(forward.Call, command.Depth + 1, command.Trace);
            details.ForwardId = forward.Id;
        }

        return details.ToByteString();
    }
}
