namespace CloudState.Knative.UnitTests.Cluster;

public sealed class OwnershipSimulationTests
{
    // More than these: CLOUDSTATE_SIMULATIONS=5000.
    private static readonly int Runs = int.Parse(Environment.GetEnvironmentVariable("CLOUDSTATE_SIMULATIONS") ?? "20", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void AnyFaults_OneOwnerNoStaleReadNothingLost()
    {
        var (reads, writes, faults) = (0, 0, 0);
        for (var seed = 1; seed <= Runs; seed++)
        {
            var simulation = new Simulation(seed);
            var violation = simulation.Run();
            Assert.True(violation is null, $"Seed {seed}: {violation}");
            reads += simulation.Reads;
            writes += simulation.Writes;
            faults += simulation.Faults;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{Runs} runs, {faults} faults, {reads} reads, {writes} writes.");
        Assert.True(reads > 100 * Runs && writes > 100 * Runs && faults > 5 * Runs);
    }

    [Fact]
    public void SameSeed_SameRun()
    {
        var first = new Simulation(seed: 7);
        var second = new Simulation(seed: 7);

        Assert.Equal(first.Run(), second.Run());
        Assert.Equal((first.Reads, first.Writes, first.Faults), (second.Reads, second.Writes, second.Faults));
    }

    [Fact]
    public void WithoutTheFence_IsFound() =>
        Assert.Contains(Enumerable.Range(1, 500), seed => new Simulation(seed, isFencing: false).Run() is not null);

    [Fact]
    public void ClocksThatDriftBeyondTheMargin_AreFound() =>
        Assert.Contains(Enumerable.Range(1, 500), seed => new Simulation(seed, maxDrift: 0.9).Run() is not null);
}
