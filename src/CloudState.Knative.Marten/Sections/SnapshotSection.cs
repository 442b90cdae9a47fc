using CloudState.Knative.Marten.Documents;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Marten;
using NpgsqlTypes;

namespace CloudState.Knative.Marten.Sections;

/// <summary>Snapshots, as documents of Marten.</summary>
internal sealed class SnapshotSection(string schema, StoredTypes types) : AppendSection
{
    private static readonly string DocumentType = typeof(EntitySnapshot).FullName!;

    public override bool TryAdd(IReadOnlyList<StreamAppend> batch, AppendParameters parameters)
    {
        List<(string Stream, byte[] Data)>? rows = null;
        foreach (var (stream, append) in batch)
        {
            if (append.State is EventsChange { Snapshot: { } snapshot })
            {
                (rows ??= []).Add((stream, StateJson.Write(ToDocument(stream, snapshot), types)));
            }
        }

        if (rows is null)
        {
            return false;
        }

        parameters.Add(rows.Select(row => row.Stream).ToArray(), NpgsqlDbType.Varchar);
        parameters.Add(rows.Select(row => row.Data).ToArray(), NpgsqlDbType.Jsonb);
        return true;
    }

    public override string Sql(StatementText text) =>
        $"""
        snapshots as (
          insert into {schema}.mt_doc_{EntitySnapshot.Alias} (id, data, mt_dotnet_type)
          select s.stream, s.data, '{DocumentType}' from permitted, unnest({text.Next(2)}) as s(stream, data)
          on conflict (id) do update set data = excluded.data, mt_version = excluded.mt_version, mt_last_modified = excluded.mt_last_modified)
        """;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        foreach (var (stream, append) in batch)
        {
            if (append.State is EventsChange { Snapshot: { } snapshot })
            {
                session.Store(ToDocument(stream, snapshot));
            }
        }
    }

    private static EntitySnapshot ToDocument(string stream, StoredSnapshot snapshot) => new() { Id = stream, Version = snapshot.Version, State = snapshot.State };
}
