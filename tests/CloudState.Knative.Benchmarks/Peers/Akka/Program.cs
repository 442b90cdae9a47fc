using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using Akka.Persistence.Sql;
using Akka.Remote.Hosting;
using LinqToDB;
using Peers;

// Akka.NET: a sharded persistent actor a cart, in a cluster of one node.
var migrates = args.Contains("--migrate");
var timeout = TimeSpan.FromSeconds(10);

var builder = Edge.CreateBuilder(args);
builder.Services.AddAkka("carts", akka => akka
    .ConfigureLoggers(loggers =>
    {
        loggers.LogLevel = Akka.Event.LogLevel.WarningLevel;
        loggers.ClearLoggers();
        loggers.AddLoggerFactory();
    })
    .AddHocon(Persistence(), HoconAddMode.Prepend)
    .AddHocon(SqlPersistence.DefaultConfiguration, HoconAddMode.Append)
    .WithCustomSerializer("cart", [typeof(ItemAdded), typeof(Cart)], system => new CartSerializer(system))
    .WithRemoting("127.0.0.1", 0)
    .WithClustering()
    .AddStartup((system, _) => Cluster.Get(system).Join(Cluster.Get(system).SelfAddress))
    .WithShardRegion<CartActor>(
        "cart",
        user => Props.Create(() => new CartActor(user)),
        HashCodeMessageExtractor.Create(maxNumberOfShards: 10, message => (message as CartMessage)?.User, message => message),
        new ShardOptions { StateStoreMode = StateStoreMode.DData, RememberEntities = false }));

var app = builder.Build();
var carts = app.Services.GetRequiredService<IRequiredActor<CartActor>>();
app.MapCarts(
    (user, item) => carts.ActorRef.Ask<Done>(new AddItem(user, item), timeout),
    async user => await carts.ActorRef.Ask<Cart>(new GetCart(user), timeout));

if (migrates)
{
    // The plugins create their tables when they are first used.
    await app.StartAsync();
    var region = await carts.GetAsync();
    await region.Ask<Cart>(new GetCart("nobody"), timeout);
    await app.StopAsync();
    return;
}

await app.RunAsync();

string Persistence()
{
    var plugin = $$"""
        connection-string = "{{Edge.Postgres(poolSize: 16)}}"
        provider-name = "{{ProviderName.PostgreSQL15}}"
        auto-initialize = {{(migrates ? "on" : "off")}}
        """;
    return $$"""
        akka.persistence {
            journal {
                plugin = "akka.persistence.journal.sql"
                sql {
                    {{plugin}}
                    # Few writers with large batches, and the same prepared statements again.
                    parallelism = 2
                    prefer-parameters-on-multirow-insert = true
                }
            }
            snapshot-store {
                plugin = "akka.persistence.snapshot-store.sql"
                sql { {{plugin}} }
            }
        }
        """;
}
