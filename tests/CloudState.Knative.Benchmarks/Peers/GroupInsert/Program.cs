using Npgsql;
using Peers;

// The limit of group commit behind the HTTP edge: nothing but the edge, a queue and one statement for everything that waits.
const int Loops = 2;
const string Schema = """
    create table if not exists events (
        "user" varchar not null,
        number bigint not null,
        data jsonb not null,
        created timestamptz not null,
        primary key ("user", number))
    """;

await using var postgres = NpgsqlDataSource.Create(Edge.Postgres(poolSize: Loops + 1));

if (args.Contains("--migrate"))
{
    await using var schema = postgres.CreateCommand(Schema);
    await schema.ExecuteNonQueryAsync();
    return;
}

var writers = Enumerable.Range(0, Loops).Select(_ => new GroupWriter(postgres)).ToArray();
GroupWriter WriterOf(string user) => writers[(uint)user.GetHashCode() % Loops];

await using (var select = postgres.CreateCommand("""select "user", number, data::text from events order by "user", number"""))
await using (var events = await select.ExecuteReaderAsync())
{
    while (await events.ReadAsync())
    {
        WriterOf(events.GetString(0)).Load(events.GetString(0), events.GetInt64(1), events.GetString(2));
    }
}

var app = Edge.CreateBuilder(args).Build();
app.MapCarts((user, item) => WriterOf(user).AddAsync(user, item), user => new(WriterOf(user).Get(user)));
var writing = writers.Select(writer => writer.RunAsync()).ToArray();
await app.RunAsync();
