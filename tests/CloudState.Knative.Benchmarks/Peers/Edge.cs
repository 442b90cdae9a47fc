using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Peers;

public sealed partial record Item(string ProductId, string Name, int Quantity);

public sealed partial record Cart(Item[] Items)
{
    public static readonly Cart Empty = new([]);

    public Cart With(Item added)
    {
        var index = Array.FindIndex(Items, item => item.ProductId == added.ProductId);
        if (index < 0)
        {
            return new([.. Items, added]);
        }

        var items = (Item[])Items.Clone();
        items[index] = items[index] with { Quantity = checked(items[index].Quantity + added.Quantity) };
        return new(items);
    }
}

/// <summary>What an accepted command is answered with: <c>{}</c>.</summary>
public sealed record Done
{
    public static readonly Done It = new();
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Cart))]
[JsonSerializable(typeof(Done))]
public sealed partial class EdgeJson : JsonSerializerContext;

/// <summary>The HTTP edge that all peers have in common: they differ only in what happens between a request and its answer.</summary>
public static class Edge
{
    /// <summary>The port that an environment variable names, or any that is free while a schema is created.</summary>
    public static int Port(string variable) => int.Parse(Environment.GetEnvironmentVariable(variable) ?? "0");

    /// <summary>The connection string of the peer's own database, with what makes Npgsql fast.</summary>
    public static string Postgres(int poolSize)
        => $"{Environment.GetEnvironmentVariable("BENCH_POSTGRES")};Max Auto Prepare=50;No Reset On Close=true;Maximum Pool Size={poolSize}";

    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Port("PORT")));
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, EdgeJson.Default));
        return builder;
    }

    public static void MapCarts(this WebApplication app, Func<string, Item, Task> add, Func<string, ValueTask<Cart>> get)
    {
        app.MapPost("/cart/{user}/items/add", async Task<Results<Ok<Done>, BadRequest>> (string user, Item item) =>
        {
            if (item.Quantity <= 0)
            {
                return TypedResults.BadRequest();
            }

            await add(user, item);
            return TypedResults.Ok(Done.It);
        });

        app.MapGet("/carts/{user}", (string user) => get(user));
    }
}
