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
        var failure = Assert.Single(FailuresOf(ring => ring.Lease = TimeSpan.FromSeconds(lease)));

        Assert.StartsWith("CloudState:Ring:Lease is 00:00:0", failure, StringComparison.Ordinal);
        Assert.Contains("two renewals (00:00:01 each) and the margin (00:00:00.5000000)", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void LeaseBeyondTwoRenewalsAndTheMargin_IsValid() =>
        Assert.Empty(FailuresOf(ring => ring.Lease = TimeSpan.FromSeconds(2.5) + TimeSpan.FromTicks(1)));

    [Theory]
    [InlineData(nameof(RingOptions.Lease))]
    [InlineData(nameof(RingOptions.Renewal))]
    [InlineData(nameof(RingOptions.Margin))]
    public void DurationOutOfRange_IsRefusedByName(string option)
    {
        foreach (var duration in new[] { TimeSpan.FromSeconds(-1), TimeSpan.Zero, TimeSpan.FromMilliseconds(9), TimeSpan.FromDays(366) })
        {
            var failure = Assert.Single(FailuresOf(ring => typeof(RingOptions).GetProperty(option)!.SetValue(ring, duration)));

            Assert.StartsWith($"CloudState:Ring:{option} is {duration};", failure, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(65_537)]
    public void SlotsOutOfRange_AreRefused(int slots) =>
        Assert.Equal($"CloudState:Ring:Slots is {slots}; it must be from 1 to 65,536.", Assert.Single(FailuresOf(ring => ring.Slots = slots)));

    [Theory]
    [InlineData(1)]
    [InlineData(65_536)]
    public void SlotsInRange_AreValid(int slots) => Assert.Empty(FailuresOf(ring => ring.Slots = slots));

    [Theory]
    [InlineData(1.999, false)]
    [InlineData(2, true)]
    [InlineData(60, true)]
    [InlineData(60.001, false)]
    public void ForwardTimeout_IsFromTwoSecondsToAMinute(double seconds, bool isValid)
    {
        var failures = FailuresOf(ring => ring.ForwardTimeout = TimeSpan.FromSeconds(seconds));

        if (isValid)
        {
            Assert.Empty(failures);
        }
        else
        {
            Assert.StartsWith("CloudState:Ring:ForwardTimeout is ", Assert.Single(failures), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(65_535, true)]
    [InlineData(65_536, false)]
    public void Port_IsOneOrZero(int port, bool isValid)
    {
        var failures = FailuresOf(ring => ring.Port = port);

        Assert.Equal(isValid ? [] : [$"CloudState:Ring:Port is {port}; it must be from 0 to 65535."], failures);
    }

    [Fact]
    public void EveryFailure_IsNamed()
    {
        var failures = FailuresOf(ring => (ring.Slots, ring.Port, ring.Margin) = (0, -1, TimeSpan.Zero));

        Assert.Equal(3, failures.Length);
    }

    private static string[] FailuresOf(Action<RingOptions> configure)
    {
        var options = new CloudStateOptions();
        configure(options.Ring);
        return [.. new CloudStateOptionsValidation().Validate(null, options).Failures ?? []];
    }
}
