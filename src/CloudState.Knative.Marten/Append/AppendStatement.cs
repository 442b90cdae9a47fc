using CloudState.Knative.Marten.Cluster;
using CloudState.Knative.Marten.Load;
using CloudState.Knative.Marten.Schema;
using JasperFx;

namespace CloudState.Knative.Marten.Append;

/// <summary>What the statement of a <see cref="SetBasedAppend"/> has to do. Each combination is a statement of its own, which PostgreSQL keeps prepared.</summary>
[Flags]
internal enum AppendParts
{
    None = 0,
    Fence = 1,
    Events = 2,
    Archiving = 4,
    Snapshots = 8,
    Values = 16,
    Records = 32,
    Trimming = 64,
    Outbox = 128,
    Timers = 256,
    Orders = 512,
    All = 1023,
}

/// <summary>The text of the statement. Its parameters are numbered in the order in which the parts follow here.</summary>
internal sealed class AppendStatement(string schema, MemberTables members)
{
    private static readonly string SnapshotType = typeof(EntitySnapshot).FullName!;
    private static readonly string ValueType = typeof(EntityValue).FullName!;

    private readonly string?[] _texts = new string?[(int)AppendParts.All + 1];

    public string Text(AppendParts parts) => _texts[(int)parts] ??= Compose(parts);

    private string Compose(AppendParts parts)
    {
        var count = 0;
        var text = new List<string>();
        if (parts.HasFlag(AppendParts.Fence))
        {
            text.Add($"member as (select from {members.Members} where member_id = {Next()} for key share)");
        }

        text.Add($"expected as (select * from unnest({Next()}, {Next()}, {Next()}) as e(stream, version, next_version))");
        text.Add($"permitted as (select true {(parts.HasFlag(AppendParts.Fence) ? "from member" : "")})");
        if (parts.HasFlag(AppendParts.Events))
        {
            var isArchived = parts.HasFlag(AppendParts.Archiving) ? "exists (select from deleted d where d.stream = e.stream and e.version < d.version)" : "false";
            if (parts.HasFlag(AppendParts.Archiving))
            {
                text.Add(
                    $"""
                    deleted as (select * from unnest({Next()}, {Next()}, {Next()}) as d(stream, version, without_snapshot)),
                    archived as (
                      update {schema}.mt_events e set is_archived = true from permitted, deleted d
                      where e.stream_id = d.stream and e.version < d.version and not e.is_archived),
                    unsnapshot as (
                      delete from {schema}.mt_doc_{EntityQueries.SnapshotAlias} s using permitted, deleted d where s.id = d.stream and d.without_snapshot)
                    """);
            }

            text.Add(
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
                  from permitted, unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}) as e(id, stream, version, type, data))
                """);
        }

        if (parts.HasFlag(AppendParts.Snapshots))
        {
            text.Add(
                $"""
                snapshots as (
                  insert into {schema}.mt_doc_{EntityQueries.SnapshotAlias} (id, data, mt_dotnet_type)
                  select s.stream, s.data, '{SnapshotType}' from permitted, unnest({Next()}, {Next()}) as s(stream, data)
                  on conflict (id) do update set data = excluded.data, mt_version = excluded.mt_version, mt_last_modified = excluded.mt_last_modified)
                """);
        }

        if (parts.HasFlag(AppendParts.Values))
        {
            text.Add(
                $"""
                expected_values as (select * from unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}) as v(id, version, next_version, data, expires_at)),
                updated as (
                  update {schema}.mt_doc_{EntityQueries.ValueAlias} d
                  set data = v.data, expires_at = v.expires_at, mt_version = v.next_version, mt_last_modified = now()
                  from permitted, expected_values v where v.version > 0 and v.next_version > v.version and d.id = v.id and d.mt_version = v.version
                  returning 1),
                created as (
                  insert into {schema}.mt_doc_{EntityQueries.ValueAlias} (id, data, expires_at, mt_version, mt_dotnet_type)
                  select v.id, v.data, v.expires_at, v.next_version, '{ValueType}' from permitted, expected_values v where v.version = 0 and v.next_version > 0
                  on conflict do nothing
                  returning 1)
                """);
        }

        if (parts.HasFlag(AppendParts.Records))
        {
            text.Add(
                $"""
                records as (
                  insert into {schema}.{CommandTable.Name} ({CommandTable.Columns})
                  select r.* from permitted, unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()})
                    as r({CommandTable.Columns}))
                """);
        }

        if (parts.HasFlag(AppendParts.Trimming))
        {
            text.Add(
                $"""
                trimmed as (
                  delete from {schema}.{CommandTable.Name} c using permitted, unnest({Next()}, {Next()}) as t(stream, keep)
                  where c.stream = t.stream and c.number <=
                    (select o.number from {schema}.{CommandTable.Name} o where o.stream = t.stream order by o.number desc offset t.keep limit 1))
                """);
        }

        if (parts.HasFlag(AppendParts.Outbox))
        {
            text.Add(
                $"""
                outbox as (
                  insert into {schema}.{OutboxTable.Name} ({OutboxTable.Columns})
                  select o.* from permitted, unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}) as o({OutboxTable.Columns}))
                """);
        }

        if (parts.HasFlag(AppendParts.Timers))
        {
            text.Add(
                $"""
                timers as (select * from unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}) as t({TimerTable.Columns})),
                cancelled as (
                  delete from {schema}.{TimerTable.Name} t using permitted, timers c
                  where c.id is null and t.entity_type = c.entity_type and t.entity_id = c.entity_id and t.name = c.name),
                timed as (
                  insert into {schema}.{TimerTable.Name} ({TimerTable.Columns}) select t.* from permitted, timers t where t.id is not null
                  on conflict {TimerTable.Replacement})
                """);
        }

        if (parts.HasFlag(AppendParts.Orders))
        {
            text.Add(
                $"""
                orders as (
                  insert into {schema}.{OrderTable.Name} ({OrderTable.Columns})
                  select o.* from permitted, unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}) as o({OrderTable.Columns})
                  on conflict {OrderTable.Replacement})
                """);
        }

        // The streams that were where they were expected: those with events have been moved on, the others are looked at.
        var written = parts.HasFlag(AppendParts.Events) ? "(select count(*) from advanced) + (select count(*) from started) + " : "";
        var (values, writtenValues) = parts.HasFlag(AppendParts.Values)
            ? (" + (select count(*) from expected_values)",
               $"""
                + (select count(*) from updated) + (select count(*) from created) + (
                select count(*) from expected_values v left join {schema}.mt_doc_{EntityQueries.ValueAlias} d on d.id = v.id
                where v.next_version = v.version and coalesce(d.mt_version, 0) = v.version)
               """)
            : ("", "");
        return
            $"""
            with {string.Join(",\n", text)}
            select case
              when not exists (select from permitted) then false
              else 1 / (case when {written}(
                select count(*) from expected e left join {schema}.mt_streams s on s.id = e.stream
                where e.next_version = e.version and coalesce(s.version, 0) = e.version and s.is_archived is not true){writtenValues}
                = (select count(*) from expected){values} then 1 else 0 end) = 1
              end
            """;

        string Next() => $"${++count}";
    }
}
