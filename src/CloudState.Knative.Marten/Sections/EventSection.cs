using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using JasperFx;
using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>New events in Marten's tables, and the streams that move on with them. Sequence numbers follow versions, as the projections of Marten's daemon need.</summary>
internal sealed class EventSection(string schema, StoredTypes types) : AppendSection
{
    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        var count = 0;
        foreach (var (_, append) in batch)
        {
            count += append.State is EventsChange { Events.Count: var events } ? events : 0;
        }

        if (count == 0)
        {
            return false;
        }

        var (ids, streams, versions, typeNames, data, next) = (new Guid[count], new string[count], new long[count], new string[count], new byte[count][], 0);
        foreach (var (stream, append) in batch)
        {
            if (append.State is not EventsChange change)
            {
                continue;
            }

            var version = change.ExpectedVersion;
            foreach (var newEvent in change.Events)
            {
                var type = types.Of(newEvent);
                (ids[next], streams[next], versions[next], typeNames[next], data[next++]) = (Guid.CreateVersion7(), stream, ++version, type.Name, type.Write(newEvent));
            }
        }

        parameters.Add(ids, NpgsqlDbType.Uuid);
        parameters.Add(streams, NpgsqlDbType.Varchar);
        parameters.Add(versions, NpgsqlDbType.Bigint);
        parameters.Add(typeNames, NpgsqlDbType.Varchar);
        parameters.Add(data, NpgsqlDbType.Jsonb);
        return true;
    }

    public override string Sql(StatementText text)
    {
        var isArchived = text.Has<DeletionSection>() ? "exists (select from deleted d where d.stream = e.stream and e.version < d.version)" : "false";
        return
            $"""
            advanced as (
              update {schema}.mt_streams s set version = e.next_version, timestamp = now() from permitted, expected e
              where e.version > 0 and e.next_version > e.version and s.id = e.stream and s.version = e.version and not s.is_archived
              returning 1),
            started as (
              insert into {schema}.mt_streams (id, version, timestamp, tenant_id)
              select e.stream, e.next_version, now(), '{StorageConstants.DefaultTenantId}' from permitted, expected e where e.version = 0 and e.next_version > 0
              on conflict do nothing
              returning 1),
            events as (
              insert into {schema}.mt_events (seq_id, id, stream_id, version, data, type, tenant_id, timestamp, mt_dotnet_type, is_archived)
              select nextval('{schema}.mt_events_sequence'), e.id, e.stream, e.version, e.data, e.type, '{StorageConstants.DefaultTenantId}', now(), '', {isArchived}
              from permitted, unnest({text.Next(5)}) as e(id, stream, version, type, data))
            """;
    }

    public override string Found(StatementText text) => "(select count(*) from advanced) + (select count(*) from started)";

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        foreach (var (stream, append) in batch)
        {
            if (append.State is not EventsChange { Events.Count: > 0 } change)
            {
                continue;
            }

            // The protobuf name says what an event is. By a CLR name Marten would load classes that the service does not handle, or fail on renamed ones.
            var appended = session.Events.Append(stream, change.NewVersion, change.Events.Select(newEvent => MartenEvents.Wrap(newEvent, types))).Events;
            foreach (var (newEvent, stored) in appended.Zip(change.Events))
            {
                (newEvent.EventTypeName, newEvent.DotNetTypeName) = (types.Of(stored).Name, "");
            }
        }
    }
}
