using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>Events that can not be delivered; the same on both stores.</summary>
public abstract class ParkingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected abstract (string Key, string Value)[] Settings { get; }

    [Fact]
    public async Task PoisonedEvent_IsParked_WithThoseBehindIt_AndTheOthersGoOn()
    {
        await using var shop = await StartAsync();
        var (poisoned, other) = (NewKey(), NewKey());
        shop.Events().Refuse = arrival => arrival.Order == poisoned ? StatusCode.InvalidArgument : null;

        await shop.PlaceAsync(poisoned);
        await shop.CancelAsync(poisoned);
        await shop.PlaceAsync(other);
        await shop.Events().UntilAsync(1, arrival => arrival.Order == other);
        var parked = await ParkedAsync(shop, poisoned, 2);

        Assert.Equal([$"cloudstate.tests.shop.Shipping order/{poisoned}/1", $"cloudstate.tests.shop.Shipping order/{poisoned}/2"], parked.Select(Id));
        Assert.Equal("InvalidArgument: Refused by the test.", parked[0].GetProperty("error").GetString());
        Assert.Equal("cloudstate.tests.shop.Shipping/Ship", parked[0].GetProperty("target").GetString());
        Assert.Equal([1, 0], parked.Select(entry => entry.GetProperty("attempts").GetInt32()));

        // Retried in vain; then one behind it, which has to wait; then with success.
        Assert.Contains("failed. InvalidArgument", (await PostAsync(shop, "retry", Id(parked[0]), HttpStatusCode.OK)).GetProperty("failure").GetString());
        Assert.Contains("It waits for others", (await PostAsync(shop, "retry", Id(parked[1]), HttpStatusCode.Conflict)).GetProperty("failure").GetString());
        shop.Events().Refuse = _ => null;
        Assert.Equal(2, (await PostAsync(shop, "retry", Id(parked[0]), HttpStatusCode.OK)).GetProperty("delivered").GetInt32());

        await shop.PlaceAsync(poisoned);
        var arrived = await shop.Events().UntilAsync(5, arrival => arrival.Order == poisoned);
        Assert.Equal(["Ship", "Ship", "Ship", "Stop", "Ship"], arrived.Select(arrival => arrival.Handler));
        Assert.Empty(await ParkedAsync(shop, poisoned, 0));
    }

    [Fact]
    public async Task DiscardedEvent_MakesWayForThoseBehindIt_AlsoInTheNextProcess()
    {
        var order = NewKey();
        await using (var shop = await StartAsync())
        {
            shop.Events().Refuse = arrival => arrival.Order == order && arrival.Handler == "Ship" ? StatusCode.InvalidArgument : null;
            await shop.PlaceAsync(order);
            await ParkedAsync(shop, order, 1);
        }

        await using var next = await StartAsync();
        await next.CancelAsync(order);
        var parked = await ParkedAsync(next, order, 2);
        Assert.Equal(1, (await PostAsync(next, "discard", Id(parked[0]), HttpStatusCode.OK)).GetProperty("delivered").GetInt32());

        await next.CancelAsync(order);
        Assert.Equal(["Stop", "Stop"], (await next.Events().UntilAsync(2, arrival => arrival.Order == order)).Select(arrival => arrival.Handler));
    }

    [Fact]
    public async Task EventThatTheVersionCannotRead_IsParked_UntilOneCan()
    {
        var (unreadable, other) = (NewKey(), NewKey());
        await using (var newer = await ShopService.StartWithAsync(cloudState => cloudState.AddEntity<NewerOrderEntity>(), Settings))
        {
            await newer.PlaceAsync(unreadable);
        }

        await using (var older = await ShopService.StartAsync(cloudState => cloudState.AddAction<AuditAction>(), [.. Settings, ("CloudState:Delivery:MaxAttempts", "2")]))
        {
            older.ExpectErrors();
            var parked = Assert.Single(await ParkedAsync(older, unreadable, 1));
            Assert.Contains("which no entity of this service handles", parked.GetProperty("error").GetString());
            await older.PlaceAsync(other);
            await older.Events().UntilAsync(1, arrival => arrival.Order == other);
        }

        await using var again = await ShopService.StartWithAsync(cloudState => cloudState.AddEntity<NewerOrderEntity>().AddAction<AuditAction>(), Settings);
        await PostAsync(again, "retry", $"auditors order/{unreadable}/1", HttpStatusCode.OK);
        Assert.Equal("Note type.googleapis.com/cloudstate.tests.shop.OrderAnnounced", Assert.Single(again.Events().Arrived, arrival => arrival.Order == unreadable).Handler);
    }

    [Fact]
    public async Task EventThatAnEntityRejects_CanBeRetried()
    {
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddEntity<StockEntity>(), Settings);
        shop.ExpectErrors();
        var (order, product) = (NewKey(), NewKey());
        shop.Events().Refuse = arrival => arrival.Order == order ? StatusCode.FailedPrecondition : null;
        await shop.PlaceAsync(order, product);
        await shop.PlaceAsync(order, product);
        var parked = await ParkedAsync(shop, order, 2);

        Assert.Contains("failed. FailedPrecondition", (await PostAsync(shop, "retry", Id(parked[0]), HttpStatusCode.OK)).GetProperty("failure").GetString());
        shop.Events().Refuse = _ => null;
        Assert.Equal(2, (await PostAsync(shop, "retry", Id(parked[0]), HttpStatusCode.OK)).GetProperty("delivered").GetInt32());

        Assert.Equal(2, (await new Stock.StockClient(shop.Channel).GetAsync(new GetStock { Product = product })).Reserved);
    }

    [Fact]
    public async Task UnknownId_IsNotFound()
    {
        await using var shop = await StartAsync();

        Assert.Contains("No delivery with the id 'x' is parked", (await PostAsync(shop, "retry", "x", HttpStatusCode.NotFound)).GetProperty("failure").GetString());
        using var onThePublicPort = await shop.Http1.GetAsync("/cloudstate/parked", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, onThePublicPort.StatusCode);
    }

    private async Task<TestService> StartAsync()
    {
        var shop = await ShopService.StartAsync(cloudState => cloudState.AddAction<ShippingAction>(), Settings);
        shop.ExpectErrors();
        return shop;
    }

    private static async Task<JsonElement[]> ParkedAsync(TestService shop, string order, int count)
    {
        using var http = new HttpClient { BaseAddress = shop.InternalAddress() };
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (true)
        {
            var parked = (await http.GetFromJsonAsync<JsonElement[]>("/cloudstate/parked", patience.Token))!.Where(entry => entry.GetProperty("entityId").GetString() == order).ToArray();
            if (parked.Length == count)
            {
                return parked;
            }

            await Task.Delay(5, patience.Token);
        }
    }

    private static string Id(JsonElement parked) => parked.GetProperty("id").GetString()!;

    private static async Task<JsonElement> PostAsync(TestService shop, string what, string id, HttpStatusCode status)
    {
        using var http = new HttpClient { BaseAddress = shop.InternalAddress(), DefaultRequestHeaders = { { "Cloudstate-Operator", "true" } } };
        using var answer = await http.PostAsync($"/cloudstate/parked/{what}?id={Uri.EscapeDataString(id)}", null, Cancellation);
        Assert.Equal(status, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }

    private protected static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteParkingTests : ParkingTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "shop.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenParkingTests(PostgresSchema schema) : ParkingTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Pods.Settings(schema);
}
