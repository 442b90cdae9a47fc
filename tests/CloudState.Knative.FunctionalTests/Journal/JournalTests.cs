using System.Diagnostics;
using System.Globalization;
using System.Text;
using CloudState.Knative.Delivery;
using CloudState.Knative.FunctionalTests.Eventing;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Journal;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>Events of the journal for rpcs of the same service; the same on both stores.</summary>
public abstract class JournalTests
{
    /// <summary>The settings of a store that outlives the service.</summary>
    private protected abstract (string Key, string Value)[] Settings { get; }

    [Fact]
    public async Task Action_GetsTheEventsOfAnEntityInOrder()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        var order = NewKey();

        await shop.PlaceAsync(order);
        await shop.CancelAsync(order);
        await shop.PlaceAsync(order);

        var arrived = await shop.Events().UntilAsync(3, arrival => arrival.Order == order);
        Assert.Equal(["Ship", "Stop", "Ship"], arrived.Select(arrival => arrival.Handler));
        var second = arrived[1];
        Assert.Equal($"order/{order}/2", second.Event!.Id);
        Assert.Equal("/shop/order", second.Event.Source);
        Assert.Equal("cloudstate.tests.shop.OrderCancelled", second.Event.Type);
        Assert.Equal(order, second.Event["partitionkey"]);
        Assert.Equal("2", second.Event["sequence"]);
        Assert.NotNull(second.Event.Time);
        Assert.Equal($"log//shop/order order/{order}/2", second.CommandId);
    }

    [Fact]
    public async Task Event_CarriesTheTraceOfItsCommand()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var (order, trace) = (NewKey(), ActivityTraceId.CreateRandom());

            await shop.Orders().PlaceAsync(new PlaceOrder { Order = order }, new Metadata { { "traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01" } });

            var arrived = await shop.Events().UntilAsync(1, arrival => arrival.Order == order);
            if (arrived[0].Event!["traceparent"] is { } parent)
            {
                Assert.StartsWith($"00-{trace}-", parent, StringComparison.Ordinal);
                return;
            }

            // What a consumer reads from the store, because it was not there yet, has no trace.
        }

        Assert.Fail("No event that was handed over in memory has a trace.");
    }

    [Fact]
    public async Task Entity_GetsEventsByTheirKeyOrTheirSubject()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<StockEntity>().AddEntity<InvoiceEntity>().AddAction<AuditAction>());
        var (order, product) = (NewKey(), NewKey());

        await shop.PlaceAsync(order, product);
        await shop.CancelAsync(order);

        await EventuallyAsync(async () => await ReservedAsync(shop, product) == 1);
        await EventuallyAsync(async () => (await new Invoices.InvoicesClient(shop.Channel).GetAsync(new GetInvoice { Order = order })).Cancelled);
        var noted = await shop.Events().UntilAsync(2, arrival => arrival.Order == order && arrival.Handler.StartsWith("Note", StringComparison.Ordinal));
        Assert.Equal(["Note type.googleapis.com/cloudstate.tests.shop.OrderPlaced", "Note type.googleapis.com/cloudstate.tests.shop.OrderCancelled"], noted.Select(arrival => arrival.Handler));
        Assert.Equal($"log//shop/order order/{order}/1 auditors", noted[0].CommandId);
    }

    [Fact]
    public async Task NewConsumer_StartsAtTheBeginning_AndKnowsLaterHowFarItHasCome()
    {
        var (first, second) = (NewKey(), NewKey());
        await using (var before = await StartAsync(_ => { }))
        {
            await before.PlaceAsync(first);
        }

        await using (var with = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>()))
        {
            await with.Events().UntilAsync(1, arrival => arrival.Order == first);
        }

        await using var again = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        await again.PlaceAsync(second);
        await again.Events().UntilAsync(1, arrival => arrival.Order == second);
        Assert.DoesNotContain(again.Events().Arrived, arrival => arrival.Order == first);
    }

    [Fact]
    public async Task EventThatCannotBeDeliveredNow_IsTriedAgain_AndWhatFollowsWaitsForIt()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        var (order, other) = (NewKey(), NewKey());
        var refusals = 3;
        shop.Events().Refuse = arrival => arrival.Order == order && refusals-- > 0 ? StatusCode.Unavailable : null;

        await shop.PlaceAsync(order);
        await shop.CancelAsync(order);
        await shop.PlaceAsync(other);

        await shop.Events().UntilAsync(1, arrival => arrival.Order == other);
        var arrived = await shop.Events().UntilAsync(5, arrival => arrival.Order == order);
        Assert.Equal(["Ship", "Ship", "Ship", "Ship", "Stop"], arrived.Select(arrival => arrival.Handler));
        Assert.Single(arrived.Take(4).Select(arrival => arrival.CommandId).Distinct());
    }

    [Fact]
    public async Task EventsOfDifferentEntities_AreAllDelivered()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<StockEntity>());
        var (run, product) = (NewKey(), NewKey());

        await Task.WhenAll(Enumerable.Range(0, 300).Select(number => shop.PlaceAsync($"{run}-{number % 100}", product)));

        await EventuallyAsync(async () => await ReservedAsync(shop, product) == 300);
    }

    [Fact]
    public async Task ChangesOfAValue_AreTakenInOrder()
    {
        await using var sink = await EventSink.StartAsync();
        await using var shop = await ShopService.StartAsync(
            cloudState => cloudState.AddEntity<PriceEntity>().AddAction<PriceTagsAction>(), [.. Settings, ("K_SINK", sink.Address)]);
        var (prices, product) = (new Prices.PricesClient(shop.Channel), NewKey());

        await prices.SetAsync(new SetPrice { Product = product, Cents = 5 });
        await prices.SetAsync(new SetPrice { Product = product, Cents = 7 });
        await prices.RemoveAsync(new RemovePrice { Product = product });

        var arrived = await shop.Events().UntilAsync(3, arrival => arrival.Order == product);
        Assert.Equal(["Print 5", "Print 7", "TakeDown"], arrived.Select(arrival => arrival.Handler));
        Assert.Equal([$"price/{product}/1", $"price/{product}/2", $"price/{product}/3"], arrived.Select(arrival => arrival.Event!.Id));
    }

    [Fact]
    public async Task EventThatIsDeliveredAgain_TakesEffectOnce_HoweverManyCommandsTheEntityHasTakenSince()
    {
        var (run, product) = (NewKey(), NewKey());
        (string, string)[] settings = [.. Settings, ("CloudState:MaxCommandIds", "5"), ("CloudState:Eventing:SaveInterval", "12:00:00")];
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddEntity<StockEntity>(), settings);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => shop.PlaceAsync($"{run}-{number}", product)));
        await EventuallyAsync(async () => await ReservedAsync(shop, product) == 100);

        var subscription = shop.Services.GetRequiredService<JournalSubscriptions>().All.Single();
        var store = shop.Services.GetRequiredService<IEntityStore>();
        var everySlot = Enumerable.Range(0, 10_000).ToDictionary(slot => slot, _ => 0L);
        var logged = (await store.Journal.ReadAsync("order", everySlot, 100, default)).Where(logged => logged.Origin.Key.StartsWith(run, StringComparison.Ordinal)).ToArray();
        var deliverer = shop.Services.GetRequiredService<Deliverer>();
        foreach (var again in logged)
        {
            Assert.Equal(StatusCode.OK, (await deliverer.DeliverAsync(subscription.Select(again)!.Value.Content(), default)).Status.StatusCode);
        }

        Assert.Equal(100, logged.Length);
        Assert.Equal(100, await ReservedAsync(shop, product));
    }

    [Fact]
    public async Task NewConsumer_StartsWhereItSays_AndLaterGoesOnFromItsCheckpoint()
    {
        var (order, later) = (NewKey(), NewKey());
        // Without consumers, the event has no position yet.
        await using (var shop = await StartAsync(_ => { }))
        {
            await shop.PlaceAsync(order);
        }

        await using (var shop = await StartAsync(AddBoth))
        {
            await shop.CancelAsync(order);
            var arrived = await shop.Events().UntilAsync(3, arrival => arrival.Order == order);
            Assert.Equal(["Late OrderCancelled", "Recent OrderCancelled", "Recent OrderPlaced"], arrived.Select(arrival => arrival.Handler).Order());
        }

        await using (var shop = await StartAsync(AddBoth))
        {
            await shop.PlaceAsync(later);
            var arrived = await shop.Events().UntilAsync(2, arrival => arrival.Order == later);
            Assert.Equal(["Late OrderPlaced", "Recent OrderPlaced"], arrived.Select(arrival => arrival.Handler).Order());
            Assert.DoesNotContain(shop.Events().Arrived, arrival => arrival.Order == order);
        }

        static void AddBoth(CloudStateBuilder cloudState) => cloudState.AddAction<LatecomersAction>().AddAction<ContemporariesAction>();
    }

    [Fact]
    public async Task Replies_HaveThePositionThatTheirCommandLedTo()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        var (order, id) = (NewKey(), new Metadata { { "idempotency-key", "place" } });

        var first = await PositionAsync(shop.Orders().PlaceAsync(new PlaceOrder { Order = order }, id));
        var again = await PositionAsync(shop.Orders().PlaceAsync(new PlaceOrder { Order = order }, id));
        var cancelled = await PositionAsync(shop.Orders().CancelAsync(new CancelOrder { Order = order }));
        using var json = new StringContent($$"""{"order":"{{NewKey()}}"}""", Encoding.UTF8, "application/json");
        using var http = await shop.Http1.PostAsync("/cloudstate.tests.shop.Orders/Place", json, TestContext.Current.CancellationToken);

        Assert.Matches("^order/[0-9]+/[0-9]+$", first);
        Assert.Equal(first, again);
        Assert.Equal(Parts(first).Slot, Parts(cancelled).Slot);
        Assert.True(Parts(first).Number < Parts(cancelled).Number);
        Assert.Matches("^order/[0-9]+/[0-9]+$", Assert.Single(http.Headers.GetValues("cloudstate-position")));

        static (string Slot, long Number) Parts(string? position) => (position![..position!.LastIndexOf('/')], long.Parse(position[(position.LastIndexOf('/') + 1)..], CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task RepliesOfTypesWithoutConsumers_HaveNoPosition()
    {
        await using var shop = await StartAsync(_ => { });

        Assert.Null(await PositionAsync(shop.Orders().PlaceAsync(new PlaceOrder { Order = NewKey() })));
    }

    [Theory]
    [InlineData(typeof(LoopAction), "takes events of the topic 'orders' and publishes to it. Give it different topics in cloudstate.eventing.")]
    [InlineData(typeof(BadLogAction), "takes cloudstate.tests.shop.PlaceOrder, which 'order' does not store. Take one of ")]
    [InlineData(typeof(BadStartAction), "starts at 'yesterday' (cloudstate.eventing.in.start_at). Give a time such as 2026-01-31T12:00:00Z, and no other start.")]
    [InlineData(typeof(TwiceLogAction), "both take cloudstate.tests.shop.OrderPlaced from the event log of 'order'. Bind only one of them, or give them different consumer groups.")]
    [InlineData(typeof(StreamedLogAction), "takes the events of 'order', but streams. Events are delivered one by one: bind a unary rpc.")]
    [InlineData(typeof(Topics.BoundToLogAction), "takes the events of 'shopping-cart', which is no entity type of this service. There is: order.")]
    public async Task BindingThatMakesNoSense_StopsTheStart(Type action, string message)
    {
        var failure = await Assert.ThrowsAsync<EntityDefinitionException>(() => StartAsync(cloudState => Add(cloudState, action)));

        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EntityAndActionForOneService_StopTheStart()
    {
        var failure = await Assert.ThrowsAsync<EntityDefinitionException>(() => StartAsync(cloudState => cloudState.AddEntity<PriceEntity>().AddAction<PricesAction>()));

        Assert.Contains("PricesAction both have the service 'cloudstate.tests.shop.Prices'. Register only one of them.", failure.Message, StringComparison.Ordinal);
    }

    private static void Add(CloudStateBuilder cloudState, Type action) => _ = action.Name switch
    {
        nameof(BadLogAction) => cloudState.AddAction<BadLogAction>(),
        nameof(BadStartAction) => cloudState.AddAction<BadStartAction>(),
        nameof(LoopAction) => cloudState.AddAction<LoopAction>(),
        nameof(TwiceLogAction) => cloudState.AddAction<TwiceLogAction>(),
        nameof(StreamedLogAction) => cloudState.AddAction<StreamedLogAction>(),
        _ => cloudState.AddAction<Topics.BoundToLogAction>(),
    };

    private protected static async Task<string?> PositionAsync<T>(AsyncUnaryCall<T> call)
    {
        await call;
        return (await call.ResponseHeadersAsync).GetValue("cloudstate-position");
    }

    private static async Task<int> ReservedAsync(TestService shop, string product) => (await new Stock.StockClient(shop.Channel).GetAsync(new GetStock { Product = product })).Reserved;

    private protected Task<TestService> StartAsync(Action<CloudStateBuilder> consumers) => ShopService.StartAsync(consumers, Settings);

    private protected static string NewKey() => Guid.NewGuid().ToString("N");

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!await condition())
        {
            await Task.Delay(5, patience.Token);
        }
    }
}

public sealed class SqliteJournalTests : JournalTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "shop.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenJournalTests(PostgresSchema schema) : JournalTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Routing.Pods.Settings(schema);

    [Fact]
    public async Task Position_ComesThroughAHop()
    {
        await using var entry = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        await using var owner = await StartAsync(cloudState => cloudState.AddAction<ShippingAction>());
        await Pods.SettledAsync(entry, owner);
        var order = owner.KeyOf("order", $"{Guid.NewGuid():N}");
        var id = new Metadata { { "idempotency-key", "place" } };

        var hopped = await PositionAsync(entry.Orders().PlaceAsync(new PlaceOrder { Order = order }, id));

        Assert.NotNull(hopped);
        Assert.Equal(hopped, await PositionAsync(owner.Orders().PlaceAsync(new PlaceOrder { Order = order }, id)));
        Assert.Equal(hopped, await PositionAsync(entry.Orders().PlaceAsync(new PlaceOrder { Order = order }, id)));
    }
}
