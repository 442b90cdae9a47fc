using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Outbox;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>Publishes events to sinks that the settings name.</summary>
public abstract class TopicSinkTest : IDisposable
{
    private protected const string Topic = "orders";

    private readonly List<TopicSinks> _sinks = [];

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected static OutgoingEvent Published { get; } = new()
    {
        Id = "cart/ann/1",
        Source = "/shop/cart",
        Type = "shop.Added",
        Subject = "ann",
        Time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        PartitionKey = "ann",
        DataContentType = "application/json",
        Data = ByteString.CopyFrom("""{"product":"Äpfel"}""", Encoding.UTF8),
        Extensions = [new("sequence", "1")],
    };

    public void Dispose()
    {
        _sinks.ForEach(sinks => sinks.Dispose());
        GC.SuppressFinalize(this);
    }

    private protected TopicSinks SinksOf(params (string Key, string Value)[] settings) => SinksOf(TimeProvider.System, settings);

    private protected TopicSinks SinksOf(TimeProvider time, params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();
        var options = new CloudStateOptions();
        configuration.GetSection("CloudState").Bind(options);
        var sinks = new TopicSinks(options.Topics, options.Eventing, new SinkBinding(configuration), development: null, tests: null, time);
        _sinks.Add(sinks);
        return sinks;
    }

    private protected static Task<DeliveryResult> PublishAsync(TopicSinks sinks, OutgoingEvent? published = null) =>
        sinks.PublishAsync(Topic, published ?? Published, Cancellation).WaitAsync(TestService.Patience);
}
