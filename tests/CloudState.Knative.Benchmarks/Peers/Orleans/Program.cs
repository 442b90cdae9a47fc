using Npgsql;
using Orleans.Serialization;
using Orleans.Storage;
using Peers;

// Orleans: a grain a cart, its state written through by each command; one silo, in the process of the HTTP edge.
if (args.Contains("--migrate"))
{
    await using var postgres = NpgsqlDataSource.Create(Edge.Postgres(poolSize: 1));
    await using var schema = postgres.CreateCommand(Schema.Sql);
    await schema.ExecuteNonQueryAsync();
    return;
}

var builder = Edge.CreateBuilder(args);
builder.UseOrleans(silo => silo
    .UseLocalhostClustering(siloPort: Edge.Port("PORT") + 1, gatewayPort: 0)
    .AddAdoNetGrainStorageAsDefault(storage => storage.Configure<Serializer>((options, serializer) =>
    {
        options.Invariant = "Npgsql";
        options.ConnectionString = Edge.Postgres(poolSize: 32);
        options.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
    })));

var app = builder.Build();
var grains = app.Services.GetRequiredService<IGrainFactory>();
app.MapCarts(
    (user, item) => grains.GetGrain<ICartGrain>(user).AddAsync(item),
    user => grains.GetGrain<ICartGrain>(user).GetAsync());
await app.RunAsync();
