using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Hosting;
using Akka.DistributedData;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Peers;

// Akka.NET: a GCounter a page, in the replicator of a cluster of one node. Nothing is stored.
if (args.Contains("--migrate"))
{
    return;
}

var timeout = TimeSpan.FromSeconds(10);
var builder = Edge.CreateBuilder(args);
builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, LikesJson.Default));
builder.Services.AddAkka("likes", akka => akka
    .ConfigureLoggers(loggers =>
    {
        loggers.LogLevel = Akka.Event.LogLevel.WarningLevel;
        loggers.ClearLoggers();
        loggers.AddLoggerFactory();
    })
    .WithRemoting("127.0.0.1", 0)
    .WithClustering()
    .WithDistributedData(options => options.Durable = new DurableOptions { Keys = [] })
    .AddStartup((system, _) => Cluster.Get(system).Join(Cluster.Get(system).SelfAddress)));

var app = builder.Build();
var system = app.Services.GetRequiredService<ActorSystem>();
var replicator = DistributedData.Get(system).Replicator;
var self = Cluster.Get(system).SelfUniqueAddress;

app.MapPost("/pages/{page}/likes", async (string page) =>
{
    // The answer to an update has no value: the update notes what it has made.
    var count = 0UL;
    var update = Dsl.Update(new GCounterKey(page), GCounter.Empty, WriteLocal.Instance, counter =>
    {
        counter = counter.Increment(self);
        count = counter.Value;
        return counter;
    });
    var response = await replicator.Ask<IUpdateResponse>(update, timeout);
    response.ThrowOnFailure();
    return TypedResults.Ok(LikeCount.Of(count));
});

app.MapGet("/pages/{page}/likes", async (string page) =>
{
    var key = new GCounterKey(page);
    var response = await replicator.Ask<IGetResponse>(Dsl.Get(key, ReadLocal.Instance), timeout);
    return TypedResults.Ok(LikeCount.Of(response.IsFound ? response.Get(key).Value : 0));
});

await app.RunAsync();

/// <summary>As protobuf's JSON has it: a number of 64 bits is a text.</summary>
internal sealed record LikeCount(string Count)
{
    public static LikeCount Of(ulong count) => new(count.ToString(CultureInfo.InvariantCulture));
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(LikeCount))]
internal sealed partial class LikesJson : JsonSerializerContext;
