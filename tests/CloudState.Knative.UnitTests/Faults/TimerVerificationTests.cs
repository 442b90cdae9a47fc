using CloudState.Knative.Faults.Timers;

namespace CloudState.Knative.UnitTests.Faults;

public sealed class TimerVerificationTests
{
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly TimerVerification _verification = new(At(10), At(20));

    [Fact]
    public void FiredOnce_CleanAndItsLatenessKnown()
    {
        Add(Due(5), At(5.5));
        Add(Due(6), At(6.2));
        Add(Due(12), At(21));

        Assert.True(_verification.IsClean);
        Assert.Equal((3, 0.5, 9), (_verification.FiredOnce, _verification.Latest.TotalSeconds, _verification.LatestAtZero.TotalSeconds));
    }

    [Fact]
    public void NotFired_Lost()
    {
        Add(Due(5));

        Assert.Equal((1, false), (_verification.Lost, _verification.IsClean));
    }

    [Fact]
    public void FiredAgain_Found()
    {
        Add(Due(5), At(5.1), At(5.2));

        Assert.Equal((1, 0, false), (_verification.FiredAgain, _verification.FiredOnce, _verification.IsClean));
    }

    [Fact]
    public void FiredBeforeItWasDue_Found()
    {
        Add(Due(5), At(4.9));

        Assert.Equal((1, false), (_verification.TooEarly, _verification.IsClean));
    }

    [Fact]
    public void Cancelled_MustNotFire()
    {
        Add(Due(5, cancelledAt: 4));
        Assert.True(_verification.IsClean);

        Add(Due(5, cancelledAt: 4), At(5));
        Assert.Equal((2, 1, false), (_verification.Cancelled, _verification.FiredAlthoughCancelled, _verification.IsClean));
    }

    [Fact]
    public void CancelledWhenItWasDue_MayHaveFired()
    {
        Add(Due(5, cancelledAt: 6));
        Add(Due(5, cancelledAt: 6), At(5.1));

        Assert.Equal((2, 0, true), (_verification.CancelledLate, _verification.Cancelled, _verification.IsClean));
    }

    private static DateTime At(double seconds) => Start.AddSeconds(seconds);

    private static PlannedTimer Due(double due, double? cancelledAt = null) => new("alarm", 1, At(due), null) { CancelledAt = cancelledAt is { } at ? At(at) : null };

    private void Add(PlannedTimer timer, params DateTime[] firings) => _verification.Add(timer, firings);
}
