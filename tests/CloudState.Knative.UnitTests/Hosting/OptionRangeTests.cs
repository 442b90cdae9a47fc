using System.ComponentModel.DataAnnotations;
using System.Globalization;
using CloudState.Knative.Hosting;
using Microsoft.Extensions.Configuration;

namespace CloudState.Knative.UnitTests.Hosting;

/// <summary>Every option, as it is written in the configuration, at both ends of its range and one step beyond.</summary>
public sealed class OptionRangeTests
{
    private static readonly TimeSpan Step = TimeSpan.FromTicks(1);

    [Theory]
    [InlineData("MigrateTimeout", "00:00:00", "12:00:00")]
    [InlineData("CommandTimeout", "00:00:00.010", "12:00:00")]
    [InlineData("CommandIdRetention", "00:00:00.010", "365.00:00:00")]
    [InlineData("ProtocolDetectionTimeout", "00:00:00.010", "12:00:00")]
    [InlineData("ShutdownKeepAlive", "00:00:00.010", "00:10:00")]
    [InlineData("StreamKeepAlive", "00:00:00.010", "12:00:00")]
    [InlineData("Delivery:TimerJitter", "00:00:00", "00:01:00")]
    [InlineData("Delivery:ShutdownDelivery", "00:00:00", "00:10:00")]
    [InlineData("Delivery:WakeTimeout", "00:00:00.010", "00:10:00")]
    [InlineData("Delivery:RetryDelay", "00:00:00.010", "12:00:00")]
    [InlineData("Delivery:MaxRetryDelay", "00:00:00.010", "12:00:00")]
    [InlineData("Delivery:MaxTimeoutDelay", "00:00:00.010", "12:00:00")]
    [InlineData("Eventing:SaveInterval", "00:00:00.010", "12:00:00")]
    [InlineData("Eventing:OutOfOrderWait", "00:00:00.010", "00:10:00")]
    [InlineData("Eventing:PublishTimeout", "00:00:00.010", "12:00:00")]
    [InlineData("Topics:orders.v1:OutOfOrderLimit", "00:00:00.010", "365.00:00:00")]
    [InlineData("Cluster:Lease", "00:00:00.010", "12:00:00")]
    [InlineData("Cluster:Renewal", "00:00:00.010", "12:00:00")]
    [InlineData("Cluster:Margin", "00:00:00.010", "12:00:00")]
    [InlineData("Cluster:ForwardTimeout", "00:00:02", "00:01:00")]
    [InlineData("Entities:PassivateAfter", "00:00:00.010", "365.00:00:00")]
    [InlineData("Entities:TimeToLive", "00:00:00.010", "365.00:00:00")]
    public void Duration_IsWithinItsRange(string option, string shortest, string longest)
    {
        var (from, to) = (TimeSpan.Parse(shortest, CultureInfo.InvariantCulture), TimeSpan.Parse(longest, CultureInfo.InvariantCulture));

        Assert.Empty(RangeFailures(option, $"{from}"));
        Assert.Empty(RangeFailures(option, $"{to}"));
        foreach (var outside in new[] { from - Step, to + Step })
        {
            Assert.Equal($"CloudState:{option} is {outside}; it must be between {from} and {to}.", Assert.Single(RangeFailures(option, $"{outside}")));
        }
    }

    [Theory]
    [InlineData("MaxCallDepth")]
    [InlineData("MaxCommandIds")]
    [InlineData("MaxBatchSize")]
    [InlineData("MaxRequestBodySize")]
    [InlineData("MaxKeyLength")]
    [InlineData("Delivery:MaxConcurrent")]
    [InlineData("Delivery:MaxAttempts")]
    [InlineData("Delivery:MaxBacklog")]
    [InlineData("Eventing:MaxInFlight")]
    [InlineData("Eventing:MaxOutOfOrderWaits")]
    [InlineData("Entities:MaxActive")]
    [InlineData("Entities:MailboxSize")]
    public void Count_IsAtLeastOne(string option)
    {
        Assert.Empty(RangeFailures(option, "1"));
        Assert.Empty(RangeFailures(option, "2147483647"));
        Assert.Equal($"CloudState:{option} is 0; it must be at least 1.", Assert.Single(RangeFailures(option, "0")));
    }

    [Theory]
    [InlineData("Cluster:Slots", 1, 65_536, "from 1 to 65,536")]
    [InlineData("Cluster:Port", 0, 65_535, "from 0 to 65535")]
    public void Number_IsWithinItsRange(string option, int smallest, int largest, string range)
    {
        Assert.Empty(RangeFailures(option, $"{smallest}"));
        Assert.Empty(RangeFailures(option, $"{largest}"));
        foreach (var outside in new[] { smallest - 1, largest + 1 })
        {
            Assert.Equal($"CloudState:{option} is {outside}; it must be {range}.", Assert.Single(RangeFailures(option, $"{outside}")));
        }
    }

    [Theory]
    [InlineData("-2147483648")]
    [InlineData("2147483647")]
    public void SnapshotEvery_IsAnyNumber(string number) => Assert.Empty(RangeFailures("Entities:SnapshotEvery", number));

    [Theory]
    [InlineData("Store", "postgres", "my store")]
    [InlineData("Eventing:ServiceName", "shop", "my shop")]
    [InlineData("Cluster:Address", "10.0.0.7", "http://10.0.0.7")]
    [InlineData("Cluster:Address", "pod:8081", "pod:many")]
    [InlineData("Topics:orders.v1:Url", "https://broker/default", "broker/default")]
    [InlineData("Topics:orders.v1:DataContentType", "application/protobuf", "text/plain")]
    [InlineData("Topics:orders.v1:IncomingContentType", "application/json", "text/plain")]
    [InlineData("Topics:orders.v1:SequenceAttribute", "number2", "the-number")]
    [InlineData("Topics:orders.v1:EventType", "shop.ItemAdded", "shop ItemAdded")]
    [InlineData("Topics:orders.v1:EventTypeAttribute", "kafkaheadertype", "kafka-type")]
    public void Text_HasItsForm(string option, string valid, string invalid)
    {
        Assert.Empty(RangeFailures(option, valid));
        Assert.StartsWith($"CloudState:{option} is '{invalid}'; it must be ", Assert.Single(RangeFailures(option, invalid)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CommandTimeout", "60", "00:01:00 for 60 seconds")]
    [InlineData("Cluster:Lease", "5", "00:00:05 for 5 seconds")]
    [InlineData("CommandIdRetention", "3600", "01:00:00 for 3600 seconds")]
    public void WholeNumberThatIsTooLong_IsTakenForSeconds(string option, string text, string hint) =>
        Assert.EndsWith($"A number without colons is in days: write {hint}.", Assert.Single(RangeFailures(option, text)), StringComparison.Ordinal);

    [Theory]
    [InlineData(typeof(CloudStateOptions))]
    [InlineData(typeof(ClusterOptions))]
    [InlineData(typeof(DeliveryOptions))]
    [InlineData(typeof(EntityOptions))]
    [InlineData(typeof(EventingOptions))]
    [InlineData(typeof(TopicOptions))]
    public void EveryOption_ButASwitch_HasARange(Type options) => Assert.All(
        options.GetProperties().Where(option => (Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType) != typeof(bool)),
        option => Assert.True(option.IsDefined(typeof(ValidationAttribute), inherit: true), option.Name));

    private static IEnumerable<string> RangeFailures(string option, string value)
    {
        var settings = new Dictionary<string, string?> { [$"CloudState:{option}"] = value };
        var options = new ConfigurationBuilder().AddInMemoryCollection(settings).Build().GetSection("CloudState").Get<CloudStateOptions>()!;

        // The rule of the lease, the renewals and the margin has tests of its own.
        return (new CloudStateOptionsValidation().Validate(null, options).Failures ?? [])
            .Where(failure => !failure.Contains("two renewals", StringComparison.Ordinal));
    }
}
