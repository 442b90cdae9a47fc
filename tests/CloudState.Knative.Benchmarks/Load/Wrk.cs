using System.Globalization;
using System.Text.RegularExpressions;
using CloudState.Knative.Benchmarks.Processes;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>The load generator for HTTP/1.1.</summary>
internal static partial class Wrk
{
    private static readonly string Scripts = Path.Combine(AppContext.BaseDirectory, "Load");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Its threads take the servers in turn.</summary>
    public static async Task<LoadResult> RunAsync(IReadOnlyList<Server> servers, WrkLoad load, TimeSpan duration, CancellationToken cancellationToken)
    {
        var paths = servers[0].System.Paths;
        var output = await ChildProcess.RunAsync(
            [
                "wrk", $"-t{load.Threads}", $"-c{load.Connections}", $"-d{duration.TotalSeconds}s", "--timeout", "10s", "-s", load.Script, $"{servers[0].Address}",
                "--", $"{load.Carts}", load.Prefix, paths.Write, paths.ReadMethod, paths.Read,
            ],
            [("BENCH_PORTS", string.Join(' ', servers.Select(server => server.Ports.Http)))],
            Scripts,
            duration + Patience,
            cancellationToken);
        return Parse(output);
    }

    /// <summary>Reads each of the carts once.</summary>
    public static Task<LoadResult> ReadEachAsync(Server server, string prefix, int carts, int connections, CancellationToken cancellationToken) =>
        RunAsync([server], new WrkLoad("each.lua", prefix, carts) { Connections = connections, Threads = 1 }, Patience, cancellationToken);

    /// <summary>Reads the line that the script writes at the end.</summary>
    public static LoadResult Parse(string output)
    {
        var values = Value().Matches(ResultLine().Match(output).Value).ToDictionary(
            value => value.Groups[1].Value, value => long.Parse(value.Groups[2].Value, CultureInfo.InvariantCulture));
        if (values.Count == 0)
        {
            throw new InvalidOperationException($"wrk has told no result:\n{output}");
        }

        return new LoadResult(
            values["requests"] - values["status"],
            values["status"] + values["connect"] + values["read"] + values["write"] + values["timeout"],
            TimeSpan.FromMicroseconds(values["duration_us"]),
            TimeSpan.FromMicroseconds(values["p50_us"]),
            TimeSpan.FromMicroseconds(values["p99_us"]));
    }

    [GeneratedRegex("^result .*$", RegexOptions.Multiline)]
    private static partial Regex ResultLine();

    [GeneratedRegex(@"(\w+)=(\d+)")]
    private static partial Regex Value();
}
