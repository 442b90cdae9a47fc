using CloudState.Knative.Calls;

namespace CloudState.Knative.UnitTests.Calls;

public sealed class TimeLimitTests
{
    private readonly TimeLimit _limit = new(new EarlyTimers(), EarlyTimers.Now.AddMinutes(1), CancellationToken.None);

    [Fact]
    public async Task TimerThatIsAheadOfTheClock_EndsTheTime()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => _limit.WaitAsync(new TaskCompletionSource<int>().Task));

        Assert.True(_limit.HasPassed);
    }

    [Fact]
    public async Task TimeoutOfTheHandlerItself_IsAFailureLikeOthers()
    {
        await Assert.ThrowsAsync<TimeoutException>(() => _limit.WaitAsync(Task.FromException<int>(new TimeoutException())));

        Assert.False(_limit.HasPassed);
    }

    /// <summary>A clock that stands still, and timers that fire at once.</summary>
    private sealed class EarlyTimers : TimeProvider
    {
        public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
