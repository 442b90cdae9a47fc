using System.Diagnostics;
using System.Runtime.InteropServices;
using CloudState.Knative.Benchmarks.Measuring;

namespace CloudState.Knative.Benchmarks.Processes;

/// <summary>A process of this run. What it writes goes to a file; it ends, with all that it has started, when it is disposed of.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly string _logPath;
    private readonly StreamWriter _log;

    private ChildProcess(ProcessStartInfo start, string logPath)
    {
        _logPath = logPath;
        _log = new StreamWriter(logPath);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Write(line.Data);
        _process.ErrorDataReceived += (_, line) => Write(line.Data);
    }

    public int Id => _process.Id;

    /// <summary>When it was started, a timestamp of <see cref="Stopwatch"/>.</summary>
    public long Started { get; private set; }

    public bool HasExited => _process.HasExited;

    public static ChildProcess Start(IReadOnlyList<string> command, IEnumerable<(string Name, string Value)> environment, string workingFolder)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingFolder,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var child = new ChildProcess(start, Path.Combine(WorkFolder.Logs, $"{Guid.NewGuid():N}.log"));
        child.Started = Stopwatch.GetTimestamp();
        child._process.Start();
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Runs a command to its end and returns what it has written.</summary>
    /// <exception cref="InvalidOperationException">It failed, or took too long.</exception>
    public static async Task<string> RunAsync(
        IReadOnlyList<string> command, IEnumerable<(string Name, string Value)> environment, string workingFolder, TimeSpan patience, CancellationToken cancellationToken)
    {
        await using var child = Start(command, environment, workingFolder);
        try
        {
            await child._process.WaitForExitAsync(cancellationToken).WaitAsync(patience, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException($"'{string.Join(' ', command)}' did not end within {patience.TotalSeconds} s:\n{child.LastLines()}");
        }

        var output = child.Output();
        return child._process.ExitCode == 0 ? output : throw new InvalidOperationException($"'{string.Join(' ', command)}' failed:\n{child.LastLines()}");
    }

    public string LastLines() => string.Join('\n', Output().TrimEnd().Split('\n').TakeLast(20));

    /// <summary>Ends it as Kubernetes does: with SIGTERM, and with SIGKILL when it takes too long.</summary>
    public async Task StopAsync()
    {
        var tree = ProcessTree.Of(Id);
        _ = SendSignal(Id, SigTerm);
        try
        {
            using var patience = new CancellationTokenSource(EndPatience);
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"  Process {Id} had to be killed.");
        }

        KillAll(tree);
    }

    public async ValueTask DisposeAsync()
    {
        KillAll(ProcessTree.Of(Id));
        await _process.WaitForExitAsync();
        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }

        File.Delete(_logPath);
    }

    private static void KillAll(IEnumerable<ProcessStat> tree)
    {
        foreach (var stat in tree.Where(stat => ProcessTree.IsSame(stat)))
        {
            _ = SendSignal(stat.Id, SigKill);
        }
    }

    private string Output()
    {
        lock (_log)
        {
            _log.Flush();
        }

        return File.ReadAllText(_logPath);
    }

    private void Write(string? line)
    {
        lock (_log)
        {
            if (line is not null && _log.BaseStream is { CanWrite: true })
            {
                _log.WriteLine(line);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
