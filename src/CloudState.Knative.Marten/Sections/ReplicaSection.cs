using System.Text;
using CloudState.Knative.Storage;
using Marten;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>What is added to replicated values, their deletions, and the values with all that was added, which take the place of the additions in them.</summary>
/// <remarks>
/// <para>Several processes append to a value at the same time, and none waits for another:</para>
/// <list type="number">
/// <item>A delta needs the epoch that the statement sees. If the value is deleted meanwhile, the delta was added before that: its row is of a former epoch, and is not read.</item>
/// <item>A deletion changes the epoch of the row, or inserts the row. Of two at the same time one finds neither.</item>
/// <item>A fold takes place only if it has all of the fold before it. It deletes the deltas in it, but not those of its own statement, which sees none of its own rows.</item>
/// </list>
/// </remarks>
internal sealed class ReplicaSection(string schema) : RowSection<(string Stream, ReplicaChange Change)>
{
    // Numbers of a seat that are in the fold are not used again. Of those that are not, the primary key takes care.
    private const string IsNew = "not exists (select from unnest(r.seats, r.numbers) as folded(seat, number) where folded.seat = c.seat and folded.number >= c.first)";

    private const string FoundSql =
        "(select count(*) from replica_kept) + (select count(*) from replica_written w join replica_changes c on c.stream = w.stream where c.epoch > c.expected)";

    private const int ColumnCount = 11;

    private readonly string _values = $"{schema}.{ReplicaTables.Values}";

    private readonly string _deltas = $"{schema}.{ReplicaTables.Deltas}";

    public override IEnumerable<Table> Tables => ReplicaTables.Definitions(schema);

    public override string Expected => "(select count(*) from replica_changes where data is not null or epoch > expected)";

    public override string Sql(StatementText text) => Sql(text.Next(ColumnCount));

    public override string Found(StatementText text) => FoundSql;

    public override void Queue(IDocumentSession session, IReadOnlyList<StreamAppend> batch)
    {
        if (RowsOf(batch) is { Length: > 0 } rows)
        {
            var sql = $"with permitted as (select true), {Sql(string.Join(", ", Enumerable.Repeat("?", ColumnCount)))} select {FoundSql} = {Expected}";
            session.QueueOperation(new ReplicaOperation(sql, ColumnsOf(rows)));
        }
    }

    protected override (string Stream, ReplicaChange Change)[] RowsOf(IReadOnlyList<StreamAppend> batch)
    {
        List<(string Stream, ReplicaChange Change)>? rows = null;
        foreach (var (stream, append) in batch)
        {
            if (append.State is ReplicaChange change && (change.Deletions > 0 || change.Deltas.Count > 0 || change.Folded is not null))
            {
                (rows ??= []).Add((stream, change));
            }
        }

        return rows?.ToArray() ?? [];
    }

    protected override object[] ColumnsOf((string Stream, ReplicaChange Change)[] rows) =>
    [
        Array.ConvertAll(rows, row => row.Stream),
        Array.ConvertAll(rows, row => row.Change.ExpectedEpoch),
        Array.ConvertAll(rows, row => row.Change.Epoch),
        Array.ConvertAll(rows, row => row.Change.Deltas is [var first, ..] ? first.Seat : (int?)null),
        Array.ConvertAll(rows, row => row.Change.Deltas is [var first, ..] ? first.Number : (long?)null),
        Array.ConvertAll(rows, row => row.Change.Deltas is [.., var last] ? last.Number : (long?)null),
        Array.ConvertAll(rows, row => row.Change.Deltas.Count > 0 ? ReplicaDeltas.Write(row.Change.Deltas) : null),

        // An array of arrays would need the same length of all.
        Array.ConvertAll(rows, row => $"{{{string.Join(',', row.Change.Folded?.Seats ?? [])}}}"),
        Array.ConvertAll(rows, row => $"{{{string.Join(',', row.Change.Folded?.Numbers ?? [])}}}"),
        Array.ConvertAll(rows, row => row.Change.Folded?.State),
        Array.ConvertAll(rows, row => row.Change.Folded is { } folded ? Encoding.UTF8.GetString(folded.Json) : null),
    ];

    private string Sql(string parameters) =>
        $"""
        replica_changes as (
          select stream, expected, epoch, seat, first, last, data, seats::integer[], numbers::bigint[], state, value::jsonb
          from permitted, unnest({parameters}) as c(stream, expected, epoch, seat, first, last, data, seats, numbers, state, value)),
        replica_kept as (
          select from replica_changes c left join {_values} r on r.stream = c.stream
          where c.data is not null and c.epoch = c.expected and coalesce(r.epoch, 0) = c.epoch and {IsNew}),
        replica_updated as (
          update {_values} r set epoch = c.epoch, seats = c.seats, numbers = c.numbers, state = c.state, value = c.value, changed_at = clock_timestamp()
          from replica_changes c
          where r.stream = c.stream and r.epoch = c.expected and (c.epoch > c.expected or c.state is not null and not exists (
            select from unnest(r.seats, r.numbers) as folded(seat, number)
            where not exists (select from unnest(c.seats, c.numbers) as seen(seat, number) where seen.seat = folded.seat and seen.number >= folded.number)))
          returning r.stream, r.epoch, r.seats, r.numbers),
        replica_created as (
          insert into {_values} (stream, epoch, seats, numbers, state, value, changed_at)
          select stream, epoch, seats, numbers, state, value, clock_timestamp() from replica_changes where expected = 0 and (epoch > 0 or state is not null)
          on conflict do nothing
          returning stream, epoch, seats, numbers),
        replica_written as (select * from replica_updated union all select * from replica_created),
        replica_covered as (
          delete from {_deltas} d using replica_written w
          where d.stream = w.stream and (d.epoch < w.epoch or d.epoch = w.epoch and exists (
            select from unnest(w.seats, w.numbers) as folded(seat, number) where folded.seat = d.seat and folded.number >= d.last))),
        replica_deltas as (
          insert into {_deltas} (stream, epoch, seat, first, last, data, stored_at)
          select stream, epoch, seat, first, last, data, clock_timestamp() from replica_changes where data is not null)
        """;
}
