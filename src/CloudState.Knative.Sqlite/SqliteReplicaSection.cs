using System.Globalization;
using System.Text;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Sqlite;

/// <summary>What is added to replicated values, their deletions, and the values with all that was added, which take the place of the additions in them.</summary>
internal sealed class SqliteReplicaSection : SqliteSection
{
    public override void Write(SqliteSession session, string stream, EntityAppend append, SqliteWriting writing)
    {
        if (append.State is not ReplicaChange change)
        {
            return;
        }

        var (epoch, folded) = Read(session, stream);
        if (change.Deletions > 0 || change.Deltas.Count > 0)
        {
            Check(stream, epoch, folded, change);
        }

        if (change.Deletions > 0)
        {
            Replace(session, stream, change.Epoch, folded: null, writing);
            (epoch, folded) = (change.Epoch, []);
        }

        if (change.Deltas is [var first, ..])
        {
            session.Execute(
                "INSERT INTO deltas (stream, epoch, seat, first, last, data) VALUES ($1, $2, $3, $4, $5, $6)",
                stream, change.Epoch, first.Seat, first.Number, change.Deltas[^1].Number, ReplicaDeltas.Write(change.Deltas));
        }

        if (change.Folded is { } fold && epoch == change.Epoch && folded.All(stored => NumberOf(fold, stored.Key) >= stored.Value))
        {
            Replace(session, stream, epoch, fold, writing);
        }
    }

    private static (long Epoch, Dictionary<int, long> Folded) Read(SqliteSession session, string stream)
    {
        using var row = session.Query("SELECT epoch, seats, numbers FROM replicas WHERE stream = $1", stream);
        return row.Read()
            ? (row.GetInt64(0), Split(row.GetString(1)).Zip(Split(row.GetString(2))).ToDictionary(seat => (int)seat.First, seat => seat.Second))
            : (0, []);

        static IEnumerable<long> Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(number => long.Parse(number, CultureInfo.InvariantCulture));
    }

    private static void Check(string stream, long epoch, Dictionary<int, long> folded, ReplicaChange change)
    {
        if (epoch != change.ExpectedEpoch)
        {
            throw new VersionConflictException($"Entity '{stream}' was deleted {epoch} times, not the expected {change.ExpectedEpoch}.");
        }

        if (change is { Deletions: 0, Deltas: [var first, ..] } && folded.GetValueOrDefault(first.Seat) >= first.Number)
        {
            throw new VersionConflictException($"Entity '{stream}' has delta {first.Number} of seat {first.Seat} already.");
        }
    }

    /// <summary>Writes the row, and deletes the deltas that are in it or of former epochs.</summary>
    private static void Replace(SqliteSession session, string stream, long epoch, FoldedReplica? folded, SqliteWriting writing)
    {
        session.Execute(
            "INSERT OR REPLACE INTO replicas (stream, epoch, seats, numbers, state, value, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            stream, epoch, string.Join(',', folded?.Seats ?? []), string.Join(',', folded?.Numbers ?? []), folded?.State ?? (object)DBNull.Value,
            folded is null ? DBNull.Value : Encoding.UTF8.GetString(folded.Json), writing.Now);
        session.Execute("DELETE FROM deltas WHERE stream = $1 AND epoch < $2", stream, epoch);
        foreach (var (seat, number) in (folded?.Seats ?? []).Zip(folded?.Numbers ?? []))
        {
            session.Execute("DELETE FROM deltas WHERE stream = $1 AND epoch = $2 AND seat = $3 AND last <= $4", stream, epoch, seat, number);
        }
    }

    private static long NumberOf(FoldedReplica fold, int seat) => Array.IndexOf(fold.Seats, seat) is >= 0 and var index ? fold.Numbers[index] : 0;
}
