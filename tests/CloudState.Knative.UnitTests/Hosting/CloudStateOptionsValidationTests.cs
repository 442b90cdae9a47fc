using CloudState.Knative.Hosting;

namespace CloudState.Knative.UnitTests.Hosting;

public sealed class CloudStateOptionsValidationTests
{
    [Fact]
    public void Defaults_AreValid() => Assert.Empty(FailuresOf(_ => { }));

    [Theory]
    [InlineData(2.5)]
    [InlineData(2.4)]
    [InlineData(0.1)]
    public void LeaseWithinTwoRenewalsAndTheMargin_IsRefused(double lease)
    {
        var failure = Assert.Single(FailuresOf(cluster => cluster.Lease = TimeSpan.FromSeconds(lease)));

        Assert.StartsWith("CloudState:Cluster:Lease is 00:00:0", failure, StringComparison.Ordinal);
        Assert.Contains("two renewals (00:00:01 each) and the margin (00:00:00.5000000)", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void LeaseBeyondTwoRenewalsAndTheMargin_IsValid() =>
        Assert.Empty(FailuresOf(cluster => cluster.Lease = TimeSpan.FromSeconds(2.5) + TimeSpan.FromTicks(1)));

    [Theory]
    [InlineData(nameof(ClusterOptions.Lease))]
    [InlineData(nameof(ClusterOptions.Renewal))]
    [InlineData(nameof(ClusterOptions.Margin))]
    public void DurationOutOfRange_IsRefusedByName(string option)
    {
        foreach (var duration in new[] { TimeSpan.FromSeconds(-1), TimeSpan.Zero, TimeSpan.FromMilliseconds(9), TimeSpan.FromDays(366) })
        {
            var failure = Assert.Single(FailuresOf(cluster => typeof(ClusterOptions).GetProperty(option)!.SetValue(cluster, duration)));

            Assert.StartsWith($"CloudState:Cluster:{option} is {duration};", failure, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(65_537)]
    public void SlotsOutOfRange_AreRefused(int slots) =>
        Assert.Equal($"CloudState:Cluster:Slots is {slots}; it must be from 1 to 65,536.", Assert.Single(FailuresOf(cluster => cluster.Slots = slots)));

    [Theory]
    [InlineData(1)]
    [InlineData(65_536)]
    public void SlotsInRange_AreValid(int slots) => Assert.Empty(FailuresOf(cluster => cluster.Slots = slots));

    [Theory]
    [InlineData(1.999, false)]
    [InlineData(2, true)]
    [InlineData(60, true)]
    [InlineData(60.001, false)]
    public void ForwardTimeout_IsFromTwoSecondsToAMinute(double seconds, bool isValid)
    {
        var failures = FailuresOf(cluster => cluster.ForwardTimeout = TimeSpan.FromSeconds(seconds));

        if (isValid)
        {
            Assert.Empty(failures);
        }
        else
        {
            Assert.StartsWith("CloudState:Cluster:ForwardTimeout is ", Assert.Single(failures), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(65_535, true)]
    [InlineData(65_536, false)]
    public void Port_IsOneOrZero(int port, bool isValid)
    {
        var failures = FailuresOf(cluster => cluster.Port = port);

        Assert.Equal(isValid ? [] : [$"CloudState:Cluster:Port is {port}; it must be from 0 to 65535."], failures);
    }

    [Theory]
    [InlineData("application/json", true)]
    [InlineData("application/protobuf", true)]
    [InlineData("application/x-protobuf", true)]
    [InlineData("text/plain", false)]
    [InlineData("", false)]
    public void DataContentTypeOfATopic_IsOneOfMessages(string contentType, bool isValid)
    {
        var failures = FailuresOfOptions(options => options.Topics["orders"] = new TopicOptions { DataContentType = contentType });

        Assert.Equal(isValid ? [] : [$"CloudState:Topics:orders:DataContentType is '{contentType}'; it must be application/json or application/protobuf."], failures);
    }

    [Fact]
    public void EveryFailure_IsNamed()
    {
        var failures = FailuresOf(cluster => (cluster.Slots, cluster.Port, cluster.Margin) = (0, -1, TimeSpan.Zero));

        Assert.Equal(3, failures.Length);
    }

    private static string[] FailuresOf(Action<ClusterOptions> configure) => FailuresOfOptions(options => configure(options.Cluster));

    private static string[] FailuresOfOptions(Action<CloudStateOptions> configure)
    {
        var options = new CloudStateOptions();
        configure(options);
        return [.. new CloudStateOptionsValidation().Validate(null, options).Failures ?? []];
    }
}
