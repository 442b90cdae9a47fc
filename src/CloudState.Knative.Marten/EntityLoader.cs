using CloudState.Knative.Storage;
using Marten;
using Marten.Exceptions;

namespace CloudState.Knative.Marten;

/// <summary>Reads an entity: all of it with plain SQL, or, when Marten is configured, the later events through it, so that its upcasters apply.</summary>
internal sealed class EntityLoader(EntityQueries queries, DocumentStore? marten)
{
    public async Task<StoredEntity> LoadAsync(EntityKey key, EntityKind kind, CommandIdWindow commandIds, CancellationToken cancellationToken)
    {
        var stream = key.ToString();
        try
        {
            return kind == EntityKind.Value
                ? await queries.ReadValueAsync(stream, commandIds, cancellationToken)
                : await LoadStreamAsync(stream, commandIds, cancellationToken);
        }
        catch (Exception unreadable) when (WhyUnreadable(unreadable) is { } why)
        {
            throw new UnreadableEntityException($"Entity '{stream}' cannot be read: {why}", unreadable);
        }
    }

    private async Task<StoredEntity> LoadStreamAsync(string stream, CommandIdWindow commandIds, CancellationToken cancellationToken)
    {
        var head = await queries.ReadHeadAsync(stream, commandIds, withEvents: marten is null, cancellationToken);
        var version = head.Snapshot?.Version ?? 0;
        var laterEvents = marten is not null && head.Version > version ? await ReadEventsAsync(marten, stream, version, cancellationToken) : head.LaterEvents;
        var events = new object[laterEvents.Count];
        for (var i = 0; i < events.Length; i++)
        {
            (var eventVersion, events[i]) = laterEvents[i];
            if (eventVersion != ++version && events[i] is not EntityDeleted)
            {
                throw new UnreadableEntityException($"event {version} is missing.");
            }

            version = eventVersion;
        }

        // More events than the head knows were appended in between; fewer are missing.
        return version >= head.Version && (head.Snapshot?.Version ?? 0) <= head.Version && !head.IsArchived
            ? new StoredEntity(version, head.Snapshot, events, head.RecentCommands)
            : throw new UnreadableEntityException(
                $"its stream is {(head.IsArchived ? "archived" : "incomplete")}: " +
                $"at version {head.Version}, with a snapshot at {head.Snapshot?.Version ?? 0} and {events.Length} later events.");
    }

    private static async Task<IReadOnlyList<(long Version, object Event)>> ReadEventsAsync(DocumentStore marten, string stream, long afterVersion, CancellationToken cancellationToken)
    {
        await using var session = marten.QuerySession();
        var stored = await session.Events.FetchStreamAsync(stream, fromVersion: afterVersion + 1, token: cancellationToken);
        return [.. stored.Where(entry => !entry.IsArchived).Select(entry => (entry.Version, MartenEvents.Unwrap(entry)))];
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
