using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Peers;

// What a competent team writes by hand: a row an event, a fold of the cart's rows a read.
const string Schema = """
    create table if not exists cart_events (
        user_id text not null,
        number bigint not null generated always as identity,
        data jsonb not null,
        primary key (user_id, number))
    """;
const string Insert = "insert into cart_events (user_id, data) values ($1, $2)";
const string Select = "select data from cart_events where user_id = $1 order by number";

// Commits wait for the disk, so they need many connections, which share their round trips; reads share few.
await using var postgres = NpgsqlDataSource.Create(Edge.Postgres(poolSize: 32) + ";Multiplexing=true");
await using var reads = NpgsqlDataSource.Create(Edge.Postgres(poolSize: 4) + ";Multiplexing=true");

if (args.Contains("--migrate"))
{
    await using var schema = postgres.CreateCommand(Schema);
    await schema.ExecuteNonQueryAsync();
    return;
}

var app = Edge.CreateBuilder(args).Build();
app.MapCarts(AddAsync, GetAsync);
await app.RunAsync();

async Task AddAsync(string user, Item item)
{
    await using var insert = postgres.CreateCommand(Insert);
    insert.Parameters.Add(new() { Value = user });
    insert.Parameters.Add(new() { Value = JsonSerializer.SerializeToUtf8Bytes(item, EdgeJson.Default.Item), NpgsqlDbType = NpgsqlDbType.Jsonb });
    await insert.ExecuteNonQueryAsync();
}

async ValueTask<Cart> GetAsync(string user)
{
    await using var select = reads.CreateCommand(Select);
    select.Parameters.Add(new() { Value = user });
    await using var events = await select.ExecuteReaderAsync();
    var cart = Cart.Empty;
    while (await events.ReadAsync())
    {
        cart = cart.With(JsonSerializer.Deserialize(events.GetFieldValue<byte[]>(0), EdgeJson.Default.Item)!);
    }

    return cart;
}
