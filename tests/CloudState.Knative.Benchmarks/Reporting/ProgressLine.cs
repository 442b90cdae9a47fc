using System.Globalization;

namespace CloudState.Knative.Benchmarks.Reporting;

/// <summary>A measurement as it is told while the run goes on.</summary>
internal static class ProgressLine
{
    public static string Of(Measurement measurement)
    {
        var part = measurement.Part.Length == 0 ? "" : $" ({measurement.Part})";
        var figures = Figure.All
            .Where(figure => figure.Of(measurement) is not null)
            .Select(figure => $"{figure.Title} {figure.Of(measurement)!.Value.ToString(figure.Format, CultureInfo.InvariantCulture)}");
        var errors = measurement.Errors > 0 ? $", {measurement.Errors} ERRORS" : "";
        return $"{measurement.Workload}{part} {measurement.System}, round {measurement.Round}: {string.Join(", ", figures)}{errors}";
    }
}
