using JasperFx;

namespace CloudState.Knative.Marten;

/// <summary>What the statement of a <see cref="SetBasedAppend"/> has to do. Each combination is a statement of its own, which PostgreSQL keeps prepared.</summary>
[Flags]
internal enum AppendParts
{
    None = 0,
    Fence = 1,
    Events = 2,
    Snapshots = 4,
    Records = 8,
    Trimming = 16,
    All = 31,
}

/// <summary>The text of the statement. Its parameters are numbered in the order in which the parts follow here.</summary>
internal sealed class AppendStatement(string schema, MemberTables members)
{
    private static readonly string SnapshotType = typeof(EntitySnapshot).FullName!;

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

        text.Add(
            $"""
            expected as (select * from unnest({Next()}, {Next()}, {Next()}) as e(stream, version, next_version)),
            conflict as (
              select e.stream, e.version, coalesce(s.version, 0) as actual
              from expected e left join {schema}.mt_streams s on s.id = e.stream
              where coalesce(s.version, 0) <> e.version or s.is_archived limit 1),
            permitted as (select {(parts.HasFlag(AppendParts.Fence) ? "from member" : "")} where not exists (select from conflict))
            """);
        if (parts.HasFlag(AppendParts.Events))
        {
            text.Add(
                $"""
                streams as (
                  insert into {schema}.mt_streams (id, version, timestamp, tenant_id)
                  select e.stream, e.next_version, now(), '{StorageConstants.DefaultTenantId}' from permitted, expected e where e.next_version > e.version
                  on conflict (id) do update set version = excluded.version, timestamp = excluded.timestamp),
                events as (
                  insert into {schema}.mt_events (seq_id, id, stream_id, version, data, type, tenant_id, timestamp, mt_dotnet_type, is_archived)
                  select nextval('{schema}.mt_events_sequence'), e.id, e.stream, e.version, e.data, e.type, '{StorageConstants.DefaultTenantId}', now(), '', false
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

        if (parts.HasFlag(AppendParts.Records))
        {
            text.Add(
                $"""
                records as (
                  insert into {schema}.{CommandTable.Name} (stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at)
                  select r.* from permitted, unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()})
                    as r(stream, command_id, method, fingerprint, status_code, status_detail, reply, handled_at))
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

        return
            $"""
            with {string.Join(",\n", text)}
            select {(parts.HasFlag(AppendParts.Fence) ? "exists (select from member)" : "true")}, c.stream, c.version, c.actual
            from (values (true)) as result left join conflict c on true
            """;

        string Next() => $"${++count}";
    }
}
