using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>The values and versions of entities that are stored as their latest value, as documents of Marten.</summary>
internal sealed class ValueSection(string schema, StoredTypes types) : AppendSection
{
    private static readonly string DocumentType = typeof(EntityValue).FullName!;

    public override string Expected => "(select count(*) from expected_values)";

    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        List<(string Stream, ValueChange Change)>? values = null;
        foreach (var (stream, append) in batch)
        {
            if (append.State is ValueChange change)
            {
                (values ??= []).Add((stream, change));
            }
        }

        if (values is null)
        {
            return false;
        }

        parameters.Add(Column(value => value.Stream), NpgsqlDbType.Varchar);
        parameters.Add(Column(value => value.Change.ExpectedVersion), NpgsqlDbType.Bigint);
        parameters.Add(Column(value => value.Change.NewVersion), NpgsqlDbType.Bigint);
        parameters.Add(Column(value => value.Change.Value is { } changed ? StateJson.Write(ToDocument(value.Stream, changed), types) : null), NpgsqlDbType.Jsonb);
        parameters.Add(Column(value => value.Change.Value?.ExpiresAt?.ToUniversalTime()), NpgsqlDbType.TimestampTz);
        return true;

        T[] Column<T>(Converter<(string Stream, ValueChange Change), T> of) => [.. values.ConvertAll(of)];
    }

    public override string Sql(StatementText text) =>
        $"""
        expected_values as (select * from unnest({text.Next(5)}) as v(id, version, next_version, data, expires_at)),
        updated as (
          update {schema}.mt_doc_{EntityValue.Alias} d
          set data = v.data, expires_at = v.expires_at, mt_version = v.next_version, mt_last_modified = now()
          from permitted, expected_values v where v.version > 0 and v.next_version > v.version and d.id = v.id and d.mt_version = v.version
          returning 1),
        created as (
          insert into {schema}.mt_doc_{EntityValue.Alias} (id, data, expires_at, mt_version, mt_dotnet_type)
          select v.id, v.data, v.expires_at, v.next_version, '{DocumentType}' from permitted, expected_values v where v.version = 0 and v.next_version > 0
          on conflict do nothing
          returning 1)
        """;

    public override string Found(StatementText text) =>
        $"""
        (select count(*) from updated) + (select count(*) from created) + (
          select count(*) from expected_values v left join {schema}.mt_doc_{EntityValue.Alias} d on d.id = v.id
          where v.next_version = v.version and coalesce(d.mt_version, 0) = v.version)
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        // Of values Marten knows only that their versions must grow.
        EntityAppend[] appends = [.. batch.Where(entry => entry.Append.State is ValueChange).Select(entry => entry.Append)];
        if (appends.Length > 0)
        {
            session.QueueOperation(new VersionCheck($"{schema}.mt_doc_{EntityValue.Alias}", "mt_version", appends));
        }

        foreach (var (stream, append) in batch)
        {
            if (append.State is ValueChange { Value: { } value })
            {
                session.UpdateRevision(ToDocument(stream, value), value.Version);
            }
        }
    }

    private static EntityValue ToDocument(string stream, StoredValue value) => new() { Id = stream, Version = value.Version, State = value.State, ExpiresAt = value.ExpiresAt };
}
