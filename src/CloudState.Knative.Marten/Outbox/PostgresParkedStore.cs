using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Npgsql;

namespace CloudState.Knative.Marten.Outbox;

/// <summary>What is in the <see cref="ParkedTable"/>.</summary>
internal sealed class PostgresParkedStore(NpgsqlDataSource database, string schema) : IParkedStore
{
    private const string Columns = "id, lane, entity_type, entity_id, slot, content, error, attempts, parked_at";

    private readonly string _table = $"{schema}.{ParkedTable.Name}";

    public Task ParkAsync(ParkedDelivery delivery, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"insert into {_table} ({Columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing", ValuesOf(delivery), cancellationToken);

    public async Task<bool> TryParkBehindAsync(ParkedDelivery delivery, CancellationToken cancellationToken)
    {
        // The rows are locked, so that the last one cannot be removed meanwhile.
        var waiting = await database.ExecuteAsync(
            $"""
            with first as (select id from {_table} where lane = $2 and entity_type = $3 and entity_id = $4 and slot = $5 for update)
            insert into {_table} ({Columns}) select $1, $2, $3, $4, $5, $6, $7, $8, $9 where exists (select from first)
            on conflict (id) do update set attempts = {ParkedTable.Name}.attempts
            """,
            ValuesOf(delivery),
            cancellationToken);
        return waiting > 0;
    }

    public Task<IReadOnlyList<(string Lane, EntityId Origin)>> ReadOriginsAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken) => database.ReadAsync(
        $"select distinct lane, entity_type, entity_id from {_table} join unnest($1, $2) as owned(entity_type, slot) using (entity_type, slot)",
        [Parameter.EntityTypes(slots), Parameter.Numbers(slots)],
        reader => (reader.GetString(0), new EntityId(reader.GetString(1), reader.GetString(2))),
        cancellationToken);

    public Task<IReadOnlyList<ParkedDelivery>> ReadAsync(int maxCount, CancellationToken cancellationToken) =>
        database.ReadAsync($"select {Columns} from {_table} order by number limit $1", [Parameter.Integer(maxCount)], ToDelivery, cancellationToken);

    public async Task<ParkedDelivery?> ReadFirstAsync(string lane, EntityId origin, CancellationToken cancellationToken)
    {
        var first = await database.ReadAsync(
            $"select {Columns} from {_table} where lane = $1 and entity_type = $2 and entity_id = $3 order by number limit 1",
            [Parameter.Text(lane), Parameter.Text(origin.Type), Parameter.Text(origin.Key)],
            ToDelivery,
            cancellationToken);
        return first.SingleOrDefault();
    }

    public async Task<ParkedDelivery?> FindAsync(string id, CancellationToken cancellationToken) =>
        (await database.ReadAsync($"select {Columns} from {_table} where id = $1", [Parameter.Text(id)], ToDelivery, cancellationToken)).SingleOrDefault();

    public Task UpdateAsync(string id, string error, int attempts, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"update {_table} set error = $2, attempts = $3 where id = $1", [Parameter.Text(id), Parameter.Text(error), Parameter.Integer(attempts)], cancellationToken);

    public async Task<bool> RemoveAsync(string id, CancellationToken cancellationToken) =>
        await database.ExecuteAsync($"delete from {_table} where id = $1", [Parameter.Text(id)], cancellationToken) > 0;

    private static NpgsqlParameter[] ValuesOf(ParkedDelivery delivery) =>
    [
        Parameter.Text(delivery.Id),
        Parameter.Text(delivery.Lane),
        Parameter.Text(delivery.Origin.Type),
        Parameter.Text(delivery.Origin.Key),
        Parameter.Integer(delivery.SlotNumber),
        new NpgsqlParameter<byte[]> { TypedValue = delivery.Content.ToByteArray() },
        Parameter.Text(delivery.Error),
        Parameter.Integer(delivery.Attempts),
        Parameter.Time(delivery.ParkedAt),
    ];

    private static ParkedDelivery ToDelivery(NpgsqlDataReader reader) => new(
        reader.GetString(0), reader.GetString(1), new EntityId(reader.GetString(2), reader.GetString(3)), reader.GetInt32(4),
        UnsafeByteOperations.UnsafeWrap(reader.GetFieldValue<byte[]>(5)), reader.GetString(6), reader.GetInt32(7), reader.GetFieldValue<DateTimeOffset>(8));
}
