using System.Diagnostics;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Calls;

/// <summary>What kind of an end a call has had, for those between the caller and the owner of the entity.</summary>
internal enum OutcomeKind : byte
{
    /// <summary>An outcome for the caller: a reply, a rejection, a failure.</summary>
    Final,

    /// <summary>The command has not run, or has left no trace: this process does not own the entity, or no longer does.</summary>
    NotOwner,

    /// <summary>The entity is still at the version that the caller of a streaming rpc has seen.</summary>
    Unchanged,

    /// <summary>The command has not run: an earlier event of its stream has not arrived yet.</summary>
    HeldBack,

    /// <summary>The store of the entity's owner does not answer. It is not known whether the command took effect.</summary>
    StoreUnavailable,

    /// <summary>An action has run, but the topic of its reply did not answer in time: it may have taken the reply.</summary>
    NotPublishedInTime,
}

/// <summary>How a call ended: with a reply, or with a status that says why there is none.</summary>
internal readonly record struct CallOutcome
{
    private CallOutcome(IMessage? reply, Status status, OutcomeKind kind = OutcomeKind.Final)
    {
        Reply = reply;
        Status = status;
        Kind = kind;
    }

    /// <summary>For routing, not for callers.</summary>
    public static CallOutcome NotOwner { get; } = new(null, new Status(StatusCode.Unavailable, "This process does not own the entity."), OutcomeKind.NotOwner);

    public static CallOutcome Unchanged { get; } = new(null, new Status(StatusCode.DeadlineExceeded, "The entity did not change in time."), OutcomeKind.Unchanged);

    public static CallOutcome TooLate { get; } = Failed(StatusCode.DeadlineExceeded, "The command did not finish in time. It is not known whether it took effect.");

    public static CallOutcome CallerGone { get; } = Failed(StatusCode.Cancelled, "The caller has gone. It is not known whether the command took effect.");

    public OutcomeKind Kind { get; }

    public IMessage? Reply { get; }

    public Status Status { get; }

    public bool IsReply => Reply is not null;

    public bool IsOk => Status.StatusCode == StatusCode.OK;

    /// <summary>For the reply of a streaming rpc: the version of the entity that it shows.</summary>
    public long Version { get; init; }

    /// <summary>For the reply of a streaming rpc: its handler did not look at who asks.</summary>
    public bool IsSameForAll { get; init; }

    /// <summary>For the reply of a streaming rpc, or its absence: nothing comes after it.</summary>
    public bool EndsStream { get; init; }

    /// <summary>Where in the journal the last event of the command is, as a <see cref="JournalPosition"/>; null if it stored none that are consumed.</summary>
    public string? Position { get; init; }

    /// <summary>What was stored of a replicated entity and all pods are to merge before the caller gets the outcome; null if they need not.</summary>
    public ReplicaNews? Unmerged { get; init; }

    /// <summary>Goes out with the reply; null if empty.</summary>
    public IReadOnlyList<KeyValuePair<string, string>>? Metadata { get; init; }

    /// <summary>What is left to do before the caller gets this outcome; null if nothing.</summary>
    public FollowUpCalls? FollowUp { get; init; }

    /// <summary>The least pause before the next attempt; null if the callee did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What goes out with the reply, as gRPC's response headers.</summary>
    public Metadata ToHeaders()
    {
        var headers = new Metadata();
        foreach (var (name, value) in Metadata ?? [])
        {
            headers.Add(name, value);
        }

        if (Position is { } position)
        {
            headers.Add(CallHeaders.Position, position);
        }

        return headers;
    }

    public static CallOutcome Replied(IMessage reply) => new(reply, Status.DefaultSuccess);

    /// <summary>The handler has no reply of its own: another rpc gives it, or a stream of replies goes on without one, or has ended.</summary>
    public static CallOutcome WithoutReply(FollowUpCalls? followUp) => new(null, Status.DefaultSuccess) { FollowUp = followUp };

    public static CallOutcome Rejected(Status status) => new(null, status);

    public static CallOutcome Failed(StatusCode code, string detail) => new(null, new Status(code, detail));

    /// <summary>A handler has failed unexpectedly: the caller gets a trace id, and the exception only if <paramref name="shown"/>.</summary>
    public static CallOutcome Unexpected(string what, ActivityTraceId traceId, Exception? shown)
    {
        var detail = $"Unexpected {what} failure (trace id {traceId})";
        return Failed(StatusCode.Internal, shown is null ? detail : $"{detail}: {shown.Message}");
    }

    /// <summary>JSON cannot carry the reply.</summary>
    public static CallOutcome NoJson(string rpc, UnstorableDataException reason) =>
        Failed(StatusCode.Internal, $"{rpc} has run, but its reply cannot be written as JSON. {reason.Message} gRPC can carry it.");

    /// <summary>The command id was used before, for a different command.</summary>
    public static CallOutcome IdReused(string commandId, string firstMethod) => Failed(
        StatusCode.InvalidArgument,
        $"The command id '{CommandIds.ToText(commandId)}' was used before, for a different command ({firstMethod}). Give every command an id of its own, and repeat a command unchanged.");

    /// <summary>Earlier events of the stream have not arrived yet.</summary>
    public static CallOutcome HeldBack(EventOrder order, long last) => Received(OutcomeKind.HeldBack, new Status(
        StatusCode.Aborted, $"The event is held back: it is number {order.Sequence} of {order.Stream}, and number {last + 1} has not arrived yet. Deliver it again."));

    /// <summary>Nothing was stored. What the store has said names its host, user or file: that is for the log.</summary>
    public static CallOutcome StoreUnavailable { get; } =
        Received(OutcomeKind.StoreUnavailable, new Status(StatusCode.Unavailable, "The store is not available. Try again."));

    /// <summary>The store did not say whether it has stored the command.</summary>
    public static CallOutcome StoreLost { get; } = Received(
        OutcomeKind.StoreUnavailable, new Status(StatusCode.Unavailable, "The store is not available; it is not known whether the command took effect. Try again."));

    /// <summary>An outcome without a reply, as the owner has sent it.</summary>
    public static CallOutcome Received(OutcomeKind kind, Status status) => new(null, status, kind);
}
