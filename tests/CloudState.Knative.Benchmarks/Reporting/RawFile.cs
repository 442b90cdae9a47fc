using System.Globalization;

namespace CloudState.Knative.Benchmarks.Reporting;

/// <summary>The raw figures: one line a measurement, written as it ends.</summary>
internal sealed class RawFile : IDisposable
{
    private readonly StreamWriter _file;

    public RawFile(string path)
    {
        _file = new StreamWriter(path) { AutoFlush = true };
        _file.WriteLine($"workload,part,system,round,{string.Join(',', Figure.All.Select(figure => figure.FileName))},errors");
    }

    public void Add(Measurement measurement)
    {
        var figures = Figure.All.Select(figure => figure.Of(measurement)?.ToString("0.###", CultureInfo.InvariantCulture));
        _file.WriteLine($"{measurement.Workload},\"{measurement.Part}\",\"{measurement.System}\",{measurement.Round},{string.Join(',', figures)},{measurement.Errors}");
    }

    public void Dispose() => _file.Dispose();
}
