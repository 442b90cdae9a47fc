using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>Clients that send what looks like an event of an event log: it is a call of its own, and the events are delivered all the same. The same on both stores.</summary>
public abstract class ForgedEventTests
{
    private const string ReservePath = "/cloudstate.tests.shop.Stock/Reserve";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract (string Key, string Value)[] Settings { get; }

    [Theory]
    [InlineData("gRPC")]
    [InlineData("REST")]
    [InlineData("CloudEvents")]
    [InlineData("CloudEvents as the log")]
    public async Task IdOfAnInternalDelivery_FromOutside_BlocksNothing(string edge)
    {
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddEntity<StockEntity>(), Settings);
        var (order, product) = (NewKey(), NewKey());

        foreach (var sequence in new[] { 2, 3 })
        {
            await SendAsync(edge, shop, product, "/shop/order", $"order/{order}/{sequence}");
        }

        for (var sequence = 1; sequence <= 4; sequence++)
        {
            await shop.PlaceAsync(order, product);
        }

        var delivered = await shop.Events().UntilAsync(4, arrival => arrival.CommandId!.StartsWith("log/", StringComparison.Ordinal));
        Assert.Equal(Enumerable.Range(1, 4).Select(sequence => $"log//shop/order order/{order}/{sequence}"), delivered.Select(arrival => arrival.CommandId));
        Assert.Equal(6, await ReservedAsync(shop, product));
        Assert.Empty(await shop.Services.GetRequiredService<IEntityStore>().Parked.ReadAsync(10, Cancellation));
    }

    [Fact]
    public async Task OrderOfATopic_WhoseSourceIsAConsumerGroup_IsNotThatOfTheLog()
    {
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddEntity<StockEntity>(), [.. Settings, ("CloudState:Topics:returns:InOrder", "true")]);
        var (order, product) = (NewKey(), NewKey());

        for (var sequence = 1; sequence <= 3; sequence++)
        {
            await PostAsync(
                shop, "/topics/returns", $$"""{"product":"{{product}}"}""", ("ce-type", "cloudstate.tests.shop.ProductReturned"), ("ce-source", "cloudstate.tests.shop.Stock"),
                ("ce-id", $"{product}/{sequence}"), ("ce-partitionkey", $"order/{order}"), ("ce-sequence", $"{sequence}"));
        }

        await shop.PlaceAsync(order, product);
        await shop.PlaceAsync(order, product);
        await shop.PlaceAsync(order, product);

        await shop.Events().UntilAsync(3, arrival => arrival.Handler == "Reserve");
        Assert.Equal(0, await ReservedAsync(shop, product));
    }

    [Fact]
    public async Task IdThatIsTooLong_IsRefusedAtEveryEdge_WithoutTheNameOfAnIndex()
    {
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddEntity<StockEntity>(), Settings);
        var (product, tooLong) = (NewKey(), new string('x', 1025));

        var rpc = await Assert.ThrowsAsync<RpcException>(() => SendAsync("gRPC", shop, product, "", tooLong));
        Assert.Equal(StatusCode.InvalidArgument, rpc.StatusCode);
        Assert.Contains("CloudState:MaxCommandIdLength", rpc.Status.Detail, StringComparison.Ordinal);
        foreach (var edge in new[] { "REST", "CloudEvents" })
        {
            var refused = await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(edge, shop, product, "", tooLong));
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("CloudState:MaxCommandIdLength", refused.Message, StringComparison.Ordinal);
        }

        await SendAsync("gRPC", shop, product, "", tooLong[1..]);
        Assert.Equal(1, await ReservedAsync(shop, product));
    }

    private static async Task SendAsync(string edge, TestService shop, string product, string source, string id)
    {
        var json = $$"""{"product":"{{product}}"}""";
        var key = $"{source} {id}".Trim();
        await (edge switch
        {
            "gRPC" => new Stock.StockClient(shop.Channel).ReserveAsync(new OrderPlaced { Product = product }, new Metadata { { "idempotency-key", key } }, cancellationToken: Cancellation).ResponseAsync,
            "REST" => PostAsync(shop, ReservePath, json, ("idempotency-key", key)),
            "CloudEvents" => PostAsync(shop, "/", json, ("ce-type", "cloudstate.tests.shop.OrderPlaced"), ("ce-source", source.Length > 0 ? source : "/"), ("ce-id", id)),
            _ => PostAsync(
                shop, "/", json, ("ce-type", "cloudstate.tests.shop.OrderPlaced"), ("ce-source", source), ("ce-id", id), ("ce-subject", id.Split('/')[1]),
                ("ce-partitionkey", id.Split('/')[1]), ("ce-sequence", id.Split('/')[2])),
        });
    }

    private static async Task PostAsync(TestService shop, string path, string json, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        if (headers[0].Name != "idempotency-key")
        {
            request.Headers.Add("ce-specversion", "1.0");
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var answer = await shop.Http1.SendAsync(request, Cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new HttpRequestException(await answer.Content.ReadAsStringAsync(Cancellation), inner: null, answer.StatusCode);
        }
    }

    private static async Task<int> ReservedAsync(TestService shop, string product) => (await new Stock.StockClient(shop.Channel).GetAsync(new GetStock { Product = product })).Reserved;

    private static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteForgedEventTests : ForgedEventTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "shop.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenForgedEventTests(PostgresSchema schema) : ForgedEventTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Pods.Settings(schema);
}
