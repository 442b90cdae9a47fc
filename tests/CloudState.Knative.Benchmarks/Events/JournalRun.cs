using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>One run: each cell in turn, round by round.</summary>
internal sealed class JournalRun(JournalRunOptions options)
{
    /// <returns>0 when everything was measured.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var started = await PrivatePostgres.StartIfNoneAsync(cancellationToken);
        var postgres = new PostgresServer();
        var workload = new JournalWorkload(options, postgres, new ServerStarter(postgres));
        JournalCell[] cells = [.. from pods in options.Pods from consumers in options.Consumers select new JournalCell(pods, consumers)];
        var (measurements, failures) = (new List<JournalMeasurement>(), 0);
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var cell in cells)
            {
                var label = $"{cell.Pods} pods, {cell.Consumers} consumers, round {round}";
                try
                {
                    var measured = await workload.MeasureAsync(cell, cancellationToken);
                    measurements.Add(measured);
                    Console.WriteLine(
                        $"{label}: {measured.PerSecond:0} events/s, us PostgreSQL {measured.PostgresCpu:0}, us pods {measured.PodCpu:0}, lag {measured.LagMs:0} ms, p99 {measured.P99Ms:0} ms"
                        + (measured.Missing > 0 ? $", {measured.Missing} NEVER TAKEN" : ""));
                }
                catch (Exception failed) when (!cancellationToken.IsCancellationRequested)
                {
                    // The others are measured all the same.
                    failures++;
                    Console.WriteLine($"{label} failed: {failed.Message}");
                }
            }
        }

        new JournalTable([.. measurements.OrderBy(measured => Array.IndexOf(cells, measured.Cell))], options.Rate).Print();
        return failures == 0 ? 0 : 1;
    }
}
