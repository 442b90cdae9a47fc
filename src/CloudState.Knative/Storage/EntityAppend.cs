using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>What one or several successive commands of one entity write. The messages in it are no longer shared with anybody.</summary>
/// <param name="Key">The entity.</param>
/// <param name="ExpectedVersion">The sequence number of the entity's last event before this append; 0 for a new entity. Checked even when no events follow.</param>
/// <param name="Events">The new events, in order; may be empty.</param>
/// <param name="Snapshot">The state after one of the new events, or null to leave the snapshot alone.</param>
/// <param name="Commands">The records of commands that carried an id, in order.</param>
/// <param name="KeepCommands">When not null: delete all but the latest so many command records of this entity.</param>
internal sealed record EntityAppend(
    EntityKey Key,
    long ExpectedVersion,
    IReadOnlyList<IMessage> Events,
    StoredSnapshot? Snapshot,
    IReadOnlyList<CommandRecord> Commands,
    int? KeepCommands);

/// <summary>What became of a command that carried an id: enough to answer its repetition without running it again.</summary>
/// <param name="CommandId">The id, as the client gave it. Unique per entity.</param>
/// <param name="Method">The full name of the rpc, <c>package.Service/Method</c>.</param>
/// <param name="Fingerprint">A hash of the command message, to tell a repetition from a different command under the same id.</param>
/// <param name="StatusCode">The gRPC status; 0 for a reply.</param>
/// <param name="StatusDetail">Why it was rejected; empty for a reply.</param>
/// <param name="Reply">The serialized reply; empty for a rejection.</param>
/// <param name="HandledAt">When the handler ran, with microsecond precision.</param>
internal sealed record CommandRecord(
    string CommandId, string Method, long Fingerprint, int StatusCode, string StatusDetail, ByteString Reply, DateTimeOffset HandledAt);
