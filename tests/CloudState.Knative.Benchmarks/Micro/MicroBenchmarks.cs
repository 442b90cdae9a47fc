using System.Reflection;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;

namespace CloudState.Knative.Benchmarks.Micro;

/// <summary>Runs the microbenchmarks and prints what each operation costs beside its budget.</summary>
internal static class MicroBenchmarks
{
    public static int Run()
    {
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(new InProcessNoEmitToolchain(logOutput: false)))
            .AddLogger(NullLogger.Instance)
            .AddColumnProvider(BenchmarkDotNet.Columns.DefaultColumnProviders.Instance)
            .WithOptions(ConfigOptions.DisableLogFile)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), $"cloudstate-micro-{Environment.ProcessId}"));
        try
        {
            var reports = new[] { typeof(CommandBenchmarks), typeof(MessageBenchmarks), typeof(CrdtBenchmarks) }
                .SelectMany(type => BenchmarkRunner.Run(type, config).Reports)
                .ToArray();
            Console.WriteLine("| operation | ns | budget | bytes | budget |");
            Console.WriteLine("|---|---|---|---|---|");
            Array.ForEach(reports, Print);
            return reports.Length > 0 && reports.All(report => report.Success) ? 0 : 1;
        }
        finally
        {
            if (Directory.Exists(config.ArtifactsPath))
            {
                Directory.Delete(config.ArtifactsPath, recursive: true);
            }
        }
    }

    private static void Print(BenchmarkReport report)
    {
        var descriptor = report.BenchmarkCase.Descriptor;
        var budget = descriptor.WorkloadMethod.GetCustomAttribute<BudgetAttribute>()!;
        var bytes = report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase);
        Console.WriteLine($"| {descriptor.WorkloadMethodDisplayInfo} | {report.ResultStatistics?.Median:F0} | {budget.Nanoseconds} | {bytes} | {budget.Bytes} |");
    }
}
