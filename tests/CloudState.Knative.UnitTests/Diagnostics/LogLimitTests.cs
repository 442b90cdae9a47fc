using CloudState.Knative.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Diagnostics;

public sealed class LogLimitTests
{
    [Fact]
    public void FirstOccurrenceOfAMinute_IsLogged_WithTheNumberSinceTheLast()
    {
        var time = new FakeTimeProvider();
        var limit = new LogLimit(time);

        Assert.True(limit.TryTake(out var first));
        Assert.False(limit.TryTake(out _));
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(limit.TryTake(out _));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(limit.TryTake(out var second));

        Assert.Equal((1, 3), (first, second));
    }
}
