using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Marten;
using Marten.Exceptions;

namespace CloudState.Knative.Marten.Load;

/// <summary>Reads an entity: all of it with plain SQL, or, when Marten is configured, the later events through it, so that its upcasters apply.</summary>
internal sealed class EntityLoader
{
    private readonly StoredTypes _types;
    private readonly RecordedNames _names;
    private readonly DocumentStore? _marten;
    private readonly GroupedReads<EntityRequest, EntityRows> _streams;
    private readonly GroupedReads<EntityRequest, EntityRows> _values;
    private readonly GroupedReads<EntityRequest, EntityRows> _replicas;

    public EntityLoader(EntityReader reader, StoredTypes types, RecordedNames names, DocumentStore? marten, int maxQueries, TimeSpan patience)
    {
        (_types, _names, _marten) = (types, names, marten);
        _streams = new(requests => reader.ReadStreamsAsync(requests, withEvents: marten is null), maxQueries, patience);
        _values = new(reader.ReadValuesAsync, maxQueries, patience);
        _replicas = new(reader.ReadReplicasAsync, maxQueries, patience);
    }

    public async Task<StoredEntity> LoadAsync(EntityId key, StoredAs storedAs, CommandIdWindow commandIds, CancellationToken cancellationToken)
    {
        var request = new EntityRequest(key.ToString(), commandIds);
        try
        {
            var reads = storedAs switch { StoredAs.Value => _values, StoredAs.Replica => _replicas, _ => _streams };
            var rows = await reads.ReadAsync(request).WaitAsync(cancellationToken);
            try
            {
                return await ReadAsync(rows);
            }
            catch (UnreadableEntityException unreadable) when (unreadable.IsOfUnknownName)
            {
                // A newer revision may have recorded its names since.
                await _names.LearnAsync(cancellationToken);
                return await ReadAsync(rows);
            }
        }
        catch (Exception unreadable) when (WhyUnreadable(unreadable) is { } why)
        {
            throw new UnreadableEntityException($"Entity '{request.Stream}' cannot be read: {why}", unreadable);
        }

        async ValueTask<StoredEntity> ReadAsync(EntityRows rows) => storedAs switch
        {
            StoredAs.Value => ToValue(rows),
            StoredAs.Replica => new StoredEntity(0, null, [], InOrder(rows.RecentCommands)) { Replica = rows.ToReplica(), Size = rows.Size },
            _ => await ToEntityAsync(request.Stream, rows, cancellationToken),
        };
    }

    private StoredEntity ToValue(EntityRows rows)
    {
        var value = rows.State is null ? null : StateJson.ReadValue(rows.State, _types);
        return new StoredEntity(
            value?.Version ?? 0, value?.State is null ? null : new StoredSnapshot(value.Version, value.State, value.ExpiresAt), [], InOrder(rows.RecentCommands))
        { Size = rows.Size };
    }

    private async ValueTask<StoredEntity> ToEntityAsync(string stream, EntityRows rows, CancellationToken cancellationToken)
    {
        var snapshot = rows.State is null ? null : StateJson.ReadSnapshot(rows.State, _types);
        var version = snapshot?.Version ?? 0;
        var (events, adopted) = (new List<object>(), new List<long>());
        if (_marten is null)
        {
            var later = EventPage.Read(rows.LaterEvents);
            events.EnsureCapacity(later.Count);
            foreach (var row in later)
            {
                Add(row.Version, _types.FromJson(row.Type.Span, row.Json.Span), row.IsAdopted);
            }
        }
        else if (rows.Version > version)
        {
            await using var session = _marten.QuerySession();
            foreach (var entry in await session.Events.FetchStreamAsync(stream, fromVersion: version + 1, token: cancellationToken))
            {
                if (!entry.IsArchived)
                {
                    Add(entry.Version, MartenEvents.Unwrap(entry), !string.IsNullOrEmpty(entry.DotNetTypeName));
                }
            }
        }

        // More events than the stream's row knows were appended before Marten read them; fewer are missing.
        return version >= rows.Version && (snapshot?.Version ?? 0) <= rows.Version && !rows.IsArchived
            ? new StoredEntity(version, snapshot is null ? null : new StoredSnapshot(snapshot.Version, snapshot.State), events, InOrder(rows.RecentCommands)) { Adopted = adopted, Size = rows.Size }
            : throw new UnreadableEntityException(
                $"its stream is {(rows.IsArchived ? "archived" : "incomplete")}: " +
                $"at version {rows.Version}, with a snapshot at {snapshot?.Version ?? 0} and {events.Count} later events.");

        void Add(long eventVersion, object @event, bool isAdopted)
        {
            if (isAdopted)
            {
                adopted.Add(eventVersion);
            }

            if (eventVersion != ++version && @event is not EntityDeleted)
            {
                throw new UnreadableEntityException($"event {version} is missing.");
            }

            version = eventVersion;
            events.Add(@event);
        }
    }

    private static RecentCommand[] InOrder(CommandRow[] rows)
    {
        Array.Sort(rows, static (left, right) => left.Number.CompareTo(right.Number));
        return Array.ConvertAll(rows, static row => row.Command);
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
