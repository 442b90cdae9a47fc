using CloudState.Knative.Calls;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Runtime;

/// <summary>Maps the outcome of a command to its record in the store, and back when the command is repeated.</summary>
internal static class RecordedOutcome
{
    public static CommandRecord ToRecord(CallOutcome outcome, Command command, long fingerprint, DateTimeOffset handledAt) => new(
        command.CommandId!, command.Definition.FullName, fingerprint,
        (int)outcome.Status.StatusCode, outcome.Status.Detail ?? "", outcome.Reply?.ToByteString() ?? ByteString.Empty, handledAt)
    {
        Details = DetailsOf(outcome, command),
    };

    /// <summary>The outcome for a repetition of a recorded command.</summary>
    public static CallOutcome Of(CommandRecord record, Command command, long fingerprint, Slot slot)
    {
        if (record.Method != command.Definition.FullName || !MessageFingerprint.Matches(record.Fingerprint, command.Message, fingerprint))
        {
            return CallOutcome.IdReused(record.CommandId, record.Method);
        }

        if (record.StatusCode != (int)StatusCode.OK)
        {
            return CallOutcome.Rejected(new Status((StatusCode)record.StatusCode, record.StatusDetail));
        }

        if (command.Definition.IsStreaming)
        {
            // The first reply, with what it has changed: the next one shows that, too.
            return CallOutcome.WithoutReply(followUp: null);
        }

        var details = record.Details.IsEmpty ? null : OutcomeDetails.Parser.ParseFrom(record.Details);
        return details?.Forward is { } forward
            ? CallOutcome.WithoutReply(new FollowUpCalls([], new PlannedCall(details.ForwardId, StoredCalls.ToCall(forward), IsSynchronous: true)))
            : CallOutcome.Replied(command.Definition.Rpc.OutputType.Parse(record.Reply)) with
            {
                Metadata = details is null ? null : StoredCalls.ToPairs(details.Metadata),
                Position = record.Position == 0 ? null : new JournalPosition(slot, record.Position).ToString(),
            };
    }

    private static ByteString DetailsOf(CallOutcome outcome, Command command)
    {
        if (outcome.Metadata is null && outcome.FollowUp?.Forward is null)
        {
            return ByteString.Empty;
        }

        var details = new OutcomeDetails { Metadata = { StoredCalls.ToStored(outcome.Metadata ?? []) } };
        if (outcome.FollowUp?.Forward is { } forward)
        {
            details.Forward = StoredCalls.ToStored(forward.Call, command.Depth + 1, command.Trace);
            details.ForwardId = forward.Id;
        }

        return details.ToByteString();
    }
}
