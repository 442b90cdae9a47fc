using System.Runtime.InteropServices;
using CloudState.Knative.Benchmarks.Events;
using CloudState.Knative.Benchmarks.Micro;

namespace CloudState.Knative.Benchmarks;

/// <summary>The benchmarks that <c>tests/bench.sh</c> runs, what events cost (<c>journal</c>), and, as <c>journal-pod</c>, a process that this measures.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["run", .. var options] => await RunAsync(options),
        ["journal", .. var options] => await RunJournalAsync(options),
        [SensorPod.Role, var consumers, .. var options] => await SensorPod.RunAsync(consumers, options),
        ["micro"] => MicroBenchmarks.Run(),
        _ => await RunAsync(args),
    };

    private static async Task<int> RunAsync(string[] args) => TryParse(() => RunOptions.Parse(args), RunOptions.Usage) switch
    {
        null => 2,
        { IsCheckOnly: true } => 0,
        var options => await RunUntilStoppedAsync(new BenchmarkRun(options).RunAsync, $"Stopped. The raw figures so far: {options.Out}"),
    };

    private static async Task<int> RunJournalAsync(string[] args) => TryParse(() => JournalRunOptions.Parse(args), JournalRunOptions.Usage) is { } options
        ? await RunUntilStoppedAsync(new JournalRun(options).RunAsync, "Stopped.")
        : 2;

    /// <summary>Null when the arguments are wrong, which is told.</summary>
    private static T? TryParse<T>(Func<T> parse, string usage)
        where T : class
    {
        try
        {
            return parse();
        }
        catch (FormatException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            Console.Error.WriteLine(usage);
            return null;
        }
    }

    private static async Task<int> RunUntilStoppedAsync(Func<CancellationToken, Task<int>> run, string stoppedMessage)
    {
        using var stopped = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await run(stopped.Token);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            Console.Error.WriteLine(stoppedMessage);
            return 130;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopped.Cancel();
        }
    }
}
