using System.Runtime.InteropServices;
using CloudState.Knative.Benchmarks.Micro;

namespace CloudState.Knative.Benchmarks;

/// <summary>The benchmarks that <c>tests/bench.sh</c> runs.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["run", .. var options] => await RunAsync(options),
        ["micro"] => MicroBenchmarks.Run(),
        _ => await RunAsync(args),
    };

    private static async Task<int> RunAsync(string[] args)
    {
        RunOptions options;
        try
        {
            options = RunOptions.Parse(args);
        }
        catch (FormatException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            Console.Error.WriteLine(RunOptions.Usage);
            return 2;
        }

        if (options.IsCheckOnly)
        {
            return 0;
        }

        using var stopped = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await new BenchmarkRun(options).RunAsync(stopped.Token);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            Console.Error.WriteLine($"Stopped. The raw figures so far: {options.Out}");
            return 130;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopped.Cancel();
        }
    }
}
