using System.Text;
using System.Threading.Channels;
using CloudState.Knative.Calls;
using CloudState.Knative.Delivery;
using CloudState.Knative.FunctionalTests.Eventing;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Outbox;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>Replies and journals as events for others; the same on both stores.</summary>
public abstract class PublicationTests : IAsyncLifetime
{
    private EventSink _sink = null!;

    private protected abstract (string Key, string Value)[] Settings { get; }

    public async ValueTask InitializeAsync() => _sink = await EventSink.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _sink.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task ReplyOfAnEntity_IsPublished()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());
        var (prices, product) = (new Prices.PricesClient(shop.Channel), NewKey());

        await prices.SetAsync(new SetPrice { Product = product, Cents = 5 });

        var taken = await _sink.TakenAsync();
        Assert.Equal("cloudstate.tests.shop.Price", taken["ce-type"]);
        Assert.Equal("/shop/cloudstate.tests.shop.Prices/Set", taken["ce-source"]);
        Assert.Equal((product, product, "EUR"), (taken["ce-subject"], taken["ce-partitionkey"], taken["ce-currency"]));
        Assert.Equal("""{"cents":5}""", Encoding.UTF8.GetString(taken.Body));
    }

    [Fact]
    public async Task RejectedCommand_AndOneWithoutReply_PublishNothing()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());
        var (prices, product) = (new Prices.PricesClient(shop.Channel), NewKey());

        await Assert.ThrowsAsync<RpcException>(() => prices.SetAsync(new SetPrice { Product = product, Cents = -1 }).ResponseAsync);
        await prices.RemoveAsync(new RemovePrice { Product = product });
        await prices.SetAsync(new SetPrice { Product = product, Cents = 9 });

        Assert.Equal("""{"cents":9}""", Encoding.UTF8.GetString((await _sink.TakenAsync()).Body));
        Assert.Equal(0, _sink.Unseen);
    }

    [Fact]
    public async Task RepeatedCommand_PublishesOnce()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());
        var (prices, product) = (new Prices.PricesClient(shop.Channel), NewKey());

        for (var time = 0; time < 2; time++)
        {
            await prices.SetAsync(new SetPrice { Product = product, Cents = 5 }, new Metadata { { "idempotency-key", "1" } });
        }

        await prices.SetAsync(new SetPrice { Product = product, Cents = 6 });
        Assert.Equal("""{"cents":5}""", Encoding.UTF8.GetString((await _sink.TakenAsync()).Body));
        Assert.Equal("""{"cents":6}""", Encoding.UTF8.GetString((await _sink.TakenAsync()).Body));
    }

    [Fact]
    public async Task SinkThatIsBusy_GetsTheSameEventsLater_InOrder_AndCommandsDoNotWait()
    {
        _sink.AnswerWith(503, headers: ("Retry-After", "0"));
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());
        var (prices, product) = (new Prices.PricesClient(shop.Channel), NewKey());

        await prices.SetAsync(new SetPrice { Product = product, Cents = 1 });
        await prices.SetAsync(new SetPrice { Product = product, Cents = 2 });
        var refused = await _sink.TakenAsync();
        _sink.AnswerWith(202);

        var first = await UntilAsync(taken => taken["ce-id"] != refused["ce-id"], taken => Assert.Equal(refused["ce-id"], taken["ce-id"]));
        Assert.Equal("""{"cents":1}""", Encoding.UTF8.GetString(refused.Body));
        Assert.Equal("""{"cents":2}""", Encoding.UTF8.GetString(first.Body));
    }

    [Fact]
    public async Task WhatASinkHasNotTaken_IsPublishedByTheNextProcess()
    {
        _sink.AnswerWith(503);
        TakenRequest refused;
        await using (var shop = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>()))
        {
            await new Prices.PricesClient(shop.Channel).SetAsync(new SetPrice { Product = NewKey(), Cents = 1 });
            refused = await _sink.TakenAsync();
        }

        _sink.AnswerWith(202);
        await using var next = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());

        await UntilAsync(taken => taken["ce-id"] == refused["ce-id"], _ => { });
    }

    [Fact]
    public async Task LastProcess_PublishesWhatItCanBeforeItStops()
    {
        await using (var shop = await ShopService.StartAsync(cloudState => cloudState.AddEntity<PriceEntity>(), [.. Settings, ("K_SINK", _sink.Address)]))
        {
            await new Prices.PricesClient(shop.Channel).SetAsync(new SetPrice { Product = NewKey(), Cents = 1 });
        }

        Assert.Equal(1, _sink.Unseen);
    }

    [Fact]
    public async Task ReplyOfAnActionThatTakesTheJournal_IsPublishedWithAnIdThatStays()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddAction<AnnouncementsAction>());
        var order = NewKey();
        _sink.AnswerWith(500);

        await shop.PlaceAsync(order, "tea");

        var refused = await _sink.TakenAsync();
        _sink.AnswerWith(202);
        var taken = await _sink.TakenAsync();
        Assert.Equal(refused["ce-id"], taken["ce-id"]);
        Assert.Equal(order, taken["ce-subject"]);
        Assert.Equal("cloudstate.tests.shop.OrderAnnounced", taken["ce-type"]);
        Assert.Equal("""{"product":"tea"}""", Encoding.UTF8.GetString(taken.Body));
    }

    [Fact]
    public async Task EventsOfAnEntity_ArePublishedWithoutAnAction()
    {
        await using var shop = await StartAsync(cloudState => cloudState.AddEntity<ReceiptEntity>());
        var receipt = NewKey();

        foreach (var number in (int[])[1, 2, 3])
        {
            await new Receipts.ReceiptsClient(shop.Channel).PrintAsync(new PrintReceipt { Receipt = receipt, Number = number });
        }

        foreach (var number in (int[])[1, 2, 3])
        {
            var taken = await _sink.TakenAsync();
            Assert.Equal($"receipt/{receipt}/{number}", taken["ce-id"]);
            Assert.Equal(("/shop/receipt", "cloudstate.tests.shop.ReceiptPrinted", $"{number}"), (taken["ce-source"], taken["ce-type"], taken["ce-sequence"]));
            Assert.Equal(number, ReceiptPrinted.Parser.ParseJson(Encoding.UTF8.GetString(taken.Body)).Number);
        }
    }

    [Fact]
    public async Task TopicWithoutASink_StopsTheStart()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => ShopService.StartAsync(cloudState => cloudState.AddEntity<PriceEntity>(), Settings));

        Assert.Contains("Nothing says where events of the topic 'prices' go. Set CloudState__Topics__prices__Url", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SinkThatDoesNotAnswer_DoesNotHoldUpTheStop_AndGetsTheEventFromTheNextProcess()
    {
        _sink.AnswerNever();
        var shop = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());
        await new Prices.PricesClient(shop.Channel).SetAsync(new SetPrice { Product = NewKey(), Cents = 1 });
        var unanswered = await _sink.TakenAsync();
        await shop.DisposeAsync().AsTask().WaitAsync(TestService.Patience);

        _sink.AnswerWith(202);
        await using var next = await StartAsync(cloudState => cloudState.AddEntity<PriceEntity>());

        Assert.Equal(unanswered["ce-id"], (await _sink.TakenAsync())["ce-id"]);
    }

    [Fact]
    public async Task ActionWhoseTopicDoesNotAnswer_HasTimedOut_AndIsNotRefused()
    {
        _sink.AnswerNever();
        using var log = new ServiceLog();
        await using var shop = await ShopService.StartAsync(
            cloudState =>
            {
                cloudState.AddAction<AnnouncementsAction>();
                cloudState.Services.AddSingleton<ILoggerProvider>(log);
            },
            [.. Settings, ("K_SINK", _sink.Address), ("CloudState:Eventing:PublishTimeout", "00:00:00.05")]);
        var call = new OutgoingCall("cloudstate.tests.shop.Announcements/Announce", new OrderPlaced { Product = "tea" }.ToByteString(), CallMetadata.Empty);

        var result = await shop.Services.GetRequiredService<Deliverer>()
            .DeliverAsync(new DeliverableCall(call, "1", Depth: 0, Order: null, Trace: default), TestContext.Current.CancellationToken).WaitAsync(TestService.Patience);

        Assert.Equal((StatusCode.DeadlineExceeded, true), (result.Status.StatusCode, result.IsTimeout));
        Assert.EndsWith("could not be published to the topic 'announcements'. Try again.", result.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(_sink.Address, Assert.Single(log.Of("ReplyNotPublished")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TopicWithoutASink_InDevelopment_IsPrinted()
    {
        using var log = new PrintedLog();
        await using var shop = await ShopService.StartAsync(
            cloudState =>
            {
                cloudState.Services.AddSingleton<ILoggerProvider>(log);
                cloudState.AddEntity<PriceEntity>();
            },
            [.. Settings, ("environment", Environments.Development)]);
        var product = NewKey();

        await new Prices.PricesClient(shop.Channel).SetAsync(new SetPrice { Product = product, Cents = 5 });

        Assert.StartsWith("Nothing says where events of the topic 'prices' go. Set CloudState__Topics__prices__Url", await log.NextAsync(), StringComparison.Ordinal);
        var printed = await log.NextAsync();
        Assert.StartsWith("Not published to the topic 'prices': cloudstate.tests.shop.Price ", printed, StringComparison.Ordinal);
        Assert.EndsWith($$"""subject {{product}}: {"cents":5}""", printed, StringComparison.Ordinal);
    }

    private async Task<TakenRequest> UntilAsync(Func<TakenRequest, bool> condition, Action<TakenRequest> before)
    {
        while (true)
        {
            var taken = await _sink.TakenAsync();
            if (condition(taken))
            {
                return taken;
            }

            before(taken);
        }
    }

    private Task<TestService> StartAsync(Action<CloudStateBuilder> add) =>
        ShopService.StartAsync(add, [.. Settings, ("K_SINK", _sink.Address), ("CloudState:Delivery:ShutdownDelivery", "00:00:00.1")]);

    private static string NewKey() => Guid.NewGuid().ToString("N");
}

/// <summary>What is printed in the place of sinks.</summary>
internal sealed class PrintedLog : ILoggerProvider, ILogger
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    public async Task<string> NextAsync() => await _lines.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TestService.Patience);

    public ILogger CreateLogger(string categoryName) => categoryName == typeof(PrintedEvents).FullName ? this : NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Writer.TryWrite(formatter(state, exception));

    public void Dispose()
    {
    }
}

public sealed class SqlitePublicationTests : PublicationTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "shop.db"))];

    public void Dispose() => _folder.Dispose();
}

/// <summary>Each test with a schema of its own: what one leaves behind is published by the next.</summary>
public sealed class MartenPublicationTests : PublicationTests, IAsyncLifetime
{
    private readonly PostgresSchema _schema = new();

    private protected override (string Key, string Value)[] Settings => Routing.Pods.Settings(_schema);

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await _schema.InitializeAsync();
        await InitializeAsync();
    }

    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        await DisposeAsync();
        await _schema.DisposeAsync();
    }
}
