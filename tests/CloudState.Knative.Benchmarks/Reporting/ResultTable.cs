using System.Globalization;
using CloudState.Knative.Benchmarks.Measuring;

namespace CloudState.Knative.Benchmarks.Reporting;

/// <summary>What a workload, or a part of it, has found: a line a system with medians over the rounds. Ratios are to the first system.</summary>
internal static class ResultTable
{
    public static void Print(string title, IReadOnlyList<Measurement> measurements)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        foreach (var part in measurements.GroupBy(measurement => measurement.Part))
        {
            if (part.Key.Length > 0)
            {
                Console.WriteLine($"- {part.Key}");
            }

            foreach (var line in Lines([.. part]))
            {
                Console.WriteLine($"  {line}");
            }
        }
    }

    private static IEnumerable<string> Lines(IReadOnlyList<Measurement> measurements)
    {
        var figures = Figure.All.Where(figure => measurements.Any(measurement => figure.Of(measurement) is not null)).ToArray();
        var main = figures[0];
        var reference = MedianOf(main, measurements.Where(measurement => measurement.System == measurements[0].System));
        string[] header = ["system", main.Title, "ratio", "min-max", .. figures.Skip(1).Select(figure => figure.Title), "errors"];
        var rows = measurements.GroupBy(measurement => measurement.System).Select(system => Row(system.Key, [.. system]));
        return Aligned([header, .. rows]);

        string[] Row(string system, Measurement[] rounds) =>
        [
            system,
            Text(main, MedianOf(main, rounds)),
            (MedianOf(main, rounds) / reference)?.ToString("0.00", CultureInfo.InvariantCulture) ?? "",
            $"{Text(main, rounds.Min(main.Of))}-{Text(main, rounds.Max(main.Of))}",
            .. figures.Skip(1).Select(figure => Text(figure, MedianOf(figure, rounds))),
            rounds.Sum(round => round.Errors) is > 0 and var errors ? $"{errors} !" : "",
        ];
    }

    private static double? MedianOf(Figure figure, IEnumerable<Measurement> measurements)
    {
        double[] values = [.. measurements.Select(figure.Of).OfType<double>()];
        return values.Length == 0 ? null : Statistics.Median(values);
    }

    private static string Text(Figure figure, double? value) => value?.ToString(figure.Format, CultureInfo.InvariantCulture) ?? "";

    internal static IEnumerable<string> Aligned(IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(row => row[column].Length))];
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
    }
}
