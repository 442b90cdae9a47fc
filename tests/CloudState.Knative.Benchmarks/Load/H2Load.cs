using System.Globalization;
using System.Text.RegularExpressions;
using CloudState.Knative.Benchmarks.Measuring;
using CloudState.Knative.Benchmarks.Processes;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>The load generator for gRPC: 64 calls at a time over 8 connections.</summary>
internal static partial class H2Load
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static async Task<LoadResult> RunAsync(Uri address, GrpcCall call, TimeSpan duration, CancellationToken cancellationToken)
    {
        var request = Path.Combine(WorkFolder.Path, "request.bin");
        var log = Path.Combine(WorkFolder.Path, "h2load.log");
        await File.WriteAllBytesAsync(request, call.Frame, cancellationToken);
        File.Delete(log);
        var output = await ChildProcess.RunAsync(
            [
                "h2load", "-t2", "-c8", "-m8", "-D", $"{duration.TotalSeconds}", "-d", request, $"--log-file={log}",
                "-H", "content-type: application/grpc", "-H", "te: trailers", $"{new Uri(address, call.Path)}",
            ],
            [],
            WorkFolder.Path,
            duration + Patience,
            cancellationToken);
        var (succeeded, errors) = Parse(output);
        double[] microseconds = [.. File.ReadLines(log).Select(Microseconds)];
        return new LoadResult(
            succeeded,
            errors,
            duration,
            TimeSpan.FromMicroseconds(Statistics.Percentile(microseconds, 0.5)),
            TimeSpan.FromMicroseconds(Statistics.Percentile(microseconds, 0.99)));
    }

    public static (long Succeeded, long Errors) Parse(string output)
    {
        var requests = RequestsLine().Match(output);
        return requests.Success
            ? (Count("succeeded"), Count("failed") + Count("errored") + Count("timeout"))
            : throw new InvalidOperationException($"h2load has told no result:\n{output}");

        long Count(string name) => long.Parse(requests.Groups[name].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>A line of its log is: start, status, microseconds.</summary>
    private static double Microseconds(string line) => double.Parse(line.AsSpan(line.LastIndexOf('\t') + 1), CultureInfo.InvariantCulture);

    [GeneratedRegex("^requests: .*?(?<succeeded>\\d+) succeeded, (?<failed>\\d+) failed, (?<errored>\\d+) errored, (?<timeout>\\d+) timeout", RegexOptions.Multiline)]
    private static partial Regex RequestsLine();
}
