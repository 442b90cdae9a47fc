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

        text.Add($"expected as (select * from unnest({Next()}, {Next()}, {Next()}) as e(stream, version, next_version))");
        text.Add($"permitted as (select true {(parts.HasFlag(AppendParts.Fence) ? "from member" : "")})");
        if (parts.HasFlag(AppendParts.Events))
        {
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
                  insert into {schema}.{CommandTable.Name} ({CommandTable.Columns})
                  select r.* from permitted, unnest({Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()}, {Next()})
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

        // The streams that were where they were expected: those with events have been moved on, the others are looked at.
        var written = parts.HasFlag(AppendParts.Events) ? "(select count(*) from advanced) + (select count(*) from started) + " : "";
        return
            $"""
            with {string.Join(",\n", text)}
            select case
              when not exists (select from permitted) then false
              else 1 / (case when {written}(
                select count(*) from expected e left join {schema}.mt_streams s on s.id = e.stream
                where e.next_version = e.version and coalesce(s.version, 0) = e.version and s.is_archived is not true)
                = (select count(*) from expected) then 1 else 0 end) = 1
              end
            """;

        string Next() => $"${++count}";
    }
}
