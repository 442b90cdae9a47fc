using CloudState.Knative.Storage;
using Microsoft.Data.Sqlite;

namespace CloudState.Knative.Sqlite;

/// <summary>The table of parked deliveries, which wait for an operator.</summary>
internal sealed class SqliteParkedStore(SqliteDatabase database) : IParkedStore
{
    private const string Columns = "id, lane, entity_type, entity_id, slot, content, error, attempts, parked_at";

    public Task ParkAsync(ParkedDelivery delivery, CancellationToken cancellationToken) => database.WriteAsync(
        session => session.Execute($"INSERT INTO parked ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING", ValuesOf(delivery)), cancellationToken);

    public async Task<bool> TryParkBehindAsync(ParkedDelivery delivery, CancellationToken cancellationToken)
    {
        var isParked = false;
        await database.WriteAsync(
            session =>
            {
                session.Execute(
                    $"""
                    INSERT INTO parked ({Columns}) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
                    WHERE EXISTS (SELECT 1 FROM parked WHERE lane = $2 AND entity_type = $3 AND entity_id = $4) ON CONFLICT (id) DO NOTHING
                    """,
                    ValuesOf(delivery));
                isParked = session.Scalar("SELECT 1 FROM parked WHERE id = $1", delivery.Id) is not null;
            },
            cancellationToken);
        return isParked;
    }

    public Task<IReadOnlyList<(string Lane, EntityId Origin)>> ReadOriginsAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<(string Lane, EntityId Origin)>>(
            session =>
            {
                var origins = new List<(string Lane, EntityId Origin)>();
                using var row = session.Query("SELECT DISTINCT lane, entity_type, entity_id, slot FROM parked");
                while (row.Read())
                {
                    if (slots.Contains(new Slot(row.GetString(1), row.GetInt32(3))))
                    {
                        origins.Add((row.GetString(0), new EntityId(row.GetString(1), row.GetString(2))));
                    }
                }

                return origins;
            },
            cancellationToken);

    public Task<IReadOnlyList<ParkedDelivery>> ReadAsync(int maxCount, CancellationToken cancellationToken) =>
        ReadAsync(session => session.Query($"SELECT {Columns} FROM parked ORDER BY number LIMIT $1", maxCount), cancellationToken);

    public async Task<ParkedDelivery?> ReadFirstAsync(string lane, EntityId origin, CancellationToken cancellationToken) => (await ReadAsync(
        session => session.Query(
            $"SELECT {Columns} FROM parked WHERE lane = $1 AND entity_type = $2 AND entity_id = $3 ORDER BY number LIMIT 1", lane, origin.Type, origin.Key),
        cancellationToken)).SingleOrDefault();

    public async Task<ParkedDelivery?> FindAsync(string id, CancellationToken cancellationToken) =>
        (await ReadAsync(session => session.Query($"SELECT {Columns} FROM parked WHERE id = $1", id), cancellationToken)).SingleOrDefault();

    public Task UpdateAsync(string id, string error, int attempts, CancellationToken cancellationToken) =>
        database.WriteAsync(session => session.Execute("UPDATE parked SET error = $2, attempts = $3 WHERE id = $1", id, error, attempts), cancellationToken);

    public async Task<bool> RemoveAsync(string id, CancellationToken cancellationToken)
    {
        var wasParked = false;
        await database.WriteAsync(session => wasParked = session.Scalar("DELETE FROM parked WHERE id = $1 RETURNING 1", id) is not null, cancellationToken);
        return wasParked;
    }

    private static object[] ValuesOf(ParkedDelivery delivery) =>
    [
        delivery.Id, delivery.Lane, delivery.Origin.Type, delivery.Origin.Key, delivery.SlotNumber, delivery.Content.ToByteArray(), delivery.Error, delivery.Attempts,
        SqliteTime.ToText(delivery.ParkedAt),
    ];

    private Task<IReadOnlyList<ParkedDelivery>> ReadAsync(Func<SqliteSession, SqliteDataReader> query, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<ParkedDelivery>>(
        session =>
        {
            var deliveries = new List<ParkedDelivery>();
            using var row = query(session);
            while (row.Read())
            {
                deliveries.Add(new ParkedDelivery(
                    row.GetString(0), row.GetString(1), new EntityId(row.GetString(2), row.GetString(3)), row.GetInt32(4), SqliteQueries.Bytes(row, 5), row.GetString(6), row.GetInt32(7),
                    SqliteTime.Parse(row.GetString(8))));
            }

            return deliveries;
        },
        cancellationToken);
}
