using System.Globalization;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Reporting;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>What the cells cost: a line each with medians over the rounds. Ratios are to one pod with one consumer.</summary>
internal sealed class JournalTable(IReadOnlyList<JournalMeasurement> measurements, int rate)
{
    private const double HeldShare = 0.97;
    private static readonly JournalCell Reference = new(1, 1);
    private static readonly string[] Header =
    [
        "pods", "consumers", "events/s", "us PostgreSQL", "min-max", "ratio", "us consumers", "us pods", "ratio", "transactions/s", "rows/event", "lag ms", "p99 ms", "notes",
    ];

    public void Print()
    {
        Console.WriteLine();
        Console.WriteLine($"journal: CPU per event at {rate:#,0} commands/s, medians, ratios to one pod with one consumer");
        foreach (var line in ResultTable.Aligned([Header, .. measurements.GroupBy(measurement => measurement.Cell).Select(cell => Row(cell.Key, [.. cell]))]))
        {
            Console.WriteLine($"  {line}");
        }

        Console.WriteLine("  us consumers: PostgreSQL's CPU beyond that of as many pods without consumers.");
    }

    private string[] Row(JournalCell cell, JournalMeasurement[] rounds) =>
    [
        $"{cell.Pods}",
        $"{cell.Consumers}",
        Text("#,0", Of(rounds, round => round.PerSecond)),
        Text("#,0", PostgresCpuOf(cell)),
        $"{Text("#,0", rounds.Min(round => round.PostgresCpu))}-{Text("#,0", rounds.Max(round => round.PostgresCpu))}",
        Text("0.00", PostgresCpuOf(cell) / PostgresCpuOf(Reference)),
        Text("#,0", PostgresCpuOf(cell) - PostgresCpuOf(cell with { Consumers = 0 })),
        Text("#,0", PodCpuOf(cell)),
        Text("0.00", PodCpuOf(cell) / PodCpuOf(Reference)),
        Text("#,0", Of(rounds, round => round.Commits)),
        Text("#,0.0", Of(rounds, round => round.Rows)),
        Text("#,0", Of(rounds, round => round.LagMs)),
        Text("#,0", Of(rounds, round => round.P99Ms)),
        NotesOf(rounds),
    ];

    private double? PostgresCpuOf(JournalCell cell) => Of(measurements.Where(measurement => measurement.Cell == cell), measurement => measurement.PostgresCpu);

    private double? PodCpuOf(JournalCell cell) => Of(measurements.Where(measurement => measurement.Cell == cell), measurement => measurement.PodCpu);

    private string NotesOf(JournalMeasurement[] rounds)
    {
        var missed = rounds.Count(round => round.PerSecond < HeldShare * rate);
        var (errors, missing, duplicates) = (rounds.Sum(round => round.Errors), rounds.Sum(round => round.Missing), rounds.Sum(round => round.Duplicates));
        string[] notes =
        [
            .. missed > 0 ? [$"rate missed in {missed} of {rounds.Length} rounds"] : Array.Empty<string>(),
            .. errors > 0 ? [$"{errors} errors"] : Array.Empty<string>(),
            .. missing > 0 ? [$"{missing} NEVER TAKEN"] : Array.Empty<string>(),
            .. duplicates > 0 ? [$"{duplicates} taken twice"] : Array.Empty<string>(),
        ];
        return string.Join(", ", notes);
    }

    private static double? Of(IEnumerable<JournalMeasurement> rounds, Func<JournalMeasurement, double> figure)
    {
        double[] values = [.. rounds.Select(figure)];
        return values.Length == 0 ? null : Statistics.Median(values);
    }

    private static string Text(string format, double? value) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
