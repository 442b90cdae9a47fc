using CloudState.Knative.Storage;
using Google.Protobuf;
using Marten;
using Marten.Exceptions;

namespace CloudState.Knative.Marten;

/// <summary>Reads an entity: all of it with plain SQL, or, when Marten is configured, the later events through it, so that its upcasters apply.</summary>
internal sealed class EntityLoader(EntityQueries queries, DocumentStore? marten)
{
    public async Task<StoredEntity> LoadAsync(EntityKey key, CommandIdWindow commandIds, CancellationToken cancellationToken)
    {
        var stream = key.ToString();
        try
        {
            var head = await queries.ReadHeadAsync(stream, commandIds, withEvents: marten is null, cancellationToken);
            var snapshotVersion = head.Snapshot?.Version ?? 0;
            var laterEvents = marten is not null && head.Version > snapshotVersion ? await ReadEventsAsync(marten, stream, snapshotVersion, cancellationToken) : head.LaterEvents;
            var entity = new StoredEntity(head.Snapshot, laterEvents, head.RecentCommands);

            // More events than the head knows were appended in between; fewer are missing.
            if (entity.Version < head.Version || snapshotVersion > head.Version || head.IsArchived)
            {
                throw new UnreadableEntityException(
                    $"its stream is {(head.IsArchived ? "archived" : "incomplete")}: " +
                    $"at version {head.Version}, with a snapshot at {snapshotVersion} and {laterEvents.Count} later events.");
            }

            return entity;
        }
        catch (Exception unreadable) when (WhyUnreadable(unreadable) is { } why)
        {
            throw new UnreadableEntityException($"Entity '{stream}' cannot be read: {why}", unreadable);
        }
    }

    private static async Task<IReadOnlyList<IMessage>> ReadEventsAsync(DocumentStore marten, string stream, long afterVersion, CancellationToken cancellationToken)
    {
        await using var session = marten.QuerySession();
        var stored = await session.Events.FetchStreamAsync(stream, fromVersion: afterVersion + 1, token: cancellationToken);
        var events = new IMessage[stored.Count];
        for (var i = 0; i < events.Length; i++)
        {
            var expectedVersion = afterVersion + 1 + i;
            if (stored[i].Version != expectedVersion)
            {
                throw new UnreadableEntityException($"event {expectedVersion} is missing.");
            }

            events[i] = stored[i].Data as IMessage ?? throw new UnreadableEntityException(
                $"event {expectedVersion} of type '{stored[i].EventTypeName}' is no protobuf message.");
        }

        return events;
    }

    private static string? WhyUnreadable(Exception failure) => failure switch
    {
        UnreadableEntityException => failure.Message,
        UnknownEventTypeException unknown =>
            $"it has an event of type '{unknown.EventTypeName}', which no entity of this service handles. Deploy the version of the service that wrote it.",
        EventDeserializationFailureException unreadable =>
            $"an event of type '{unreadable.EventTypeName}': {unreadable.InnerException?.Message ?? unreadable.Message}",
        _ => null,
    };
}
