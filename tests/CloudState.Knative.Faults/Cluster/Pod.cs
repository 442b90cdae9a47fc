using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>One process of the cluster with its cables (to the database, and from its peers), its clock and the connections of the clients to it.</summary>
internal sealed partial class Pod : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly int _internalPort;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _logPath;
    private readonly StreamWriter _log;

    public Pod(string name, string revision, PodSettings settings)
    {
        Name = name;
        Revision = revision;
        _internalPort = FreePorts.Next();
        Database = new TcpProxy(settings.Postgres.Port);
        Peers = new TcpProxy(_internalPort);
        Clock = new WallClock(settings.Folder, name);
        var port = FreePorts.Next();
        Connections = new PodConnections(port);
        _logPath = Path.Combine(settings.Folder, $"{name}.log");
        _log = new StreamWriter(_logPath) { AutoFlush = true };
        _process = new Process { StartInfo = settings.ToStartInfo(), EnableRaisingEvents = true };
        foreach (var (key, value) in (IEnumerable<(string, string)>)[
            ("PORT", $"{port}"),
            ("K_REVISION", revision),
            ("ConnectionStrings__CloudState", settings.IsDirect ? settings.Postgres.ConnectionString : settings.Postgres.ConnectionStringThrough(Database)),
            .. settings.ClusterSections.SelectMany(section => ((string, string)[])[
                ($"CloudState__{section}__Port", $"{_internalPort}"),
                ($"CloudState__{section}__Address", $"127.0.0.1:{(settings.IsDirect ? _internalPort : Peers.Port)}"),
                ($"CloudState__{section}__Lease", $"{settings.Lease}")]),
            .. Clock.Settings])
        {
            _process.StartInfo.Environment[key] = value;
        }
    }

    public string Name { get; }

    public string Revision { get; }

    public TcpProxy Database { get; }

    /// <summary>Through which other pods reach this one.</summary>
    public TcpProxy Peers { get; }

    public WallClock Clock { get; }

    public PodConnections Connections { get; }

    /// <summary>When its process was started, as a timestamp.</summary>
    public long Started { get; private set; }

    /// <summary>When its process has ended, as a timestamp; <see cref="long.MaxValue"/> until then.</summary>
    public long Ended { get; private set; } = long.MaxValue;

    public bool HasExited => _exited.Task.IsCompleted;

    /// <summary>Whether it was told to end: another end is a crash.</summary>
    public bool IsToldToEnd { get; private set; }

    public int ExitCode => _process.ExitCode;

    public Task Exited => _exited.Task;

    /// <summary>Returns when the pod listens.</summary>
    /// <exception cref="InvalidOperationException">It ended instead, or took too long.</exception>
    public async Task StartAsync(string pidFile)
    {
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Exited += (_, _) =>
        {
            Ended = Stopwatch.GetTimestamp();
            _exited.TrySetResult();
            _started.TrySetException(new InvalidOperationException($"{Name} ended instead of starting, with exit code {_process.ExitCode}."));
        };
        Started = Stopwatch.GetTimestamp();
        _process.Start();
        lock (typeof(Pod))
        {
            File.AppendAllText(pidFile, $"{_process.Id}\n");
        }

        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        try
        {
            await _started.Task.WaitAsync(StartPatience);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException($"{Name} did not start within {StartPatience.TotalSeconds} s.");
        }
    }

    public void Kill() => End(SigKill);

    public void Terminate() => End(SigTerm);

    public void Pause() => Signal(SigStop);

    public void Resume() => Signal(SigCont);

    /// <summary>What the pod says about the cluster, for a person to read.</summary>
    public async Task<string> DescribeRingAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        try
        {
            return await http.GetStringAsync(new Uri($"http://127.0.0.1:{_internalPort}/cloudstate/cluster"));
        }
        catch (Exception absent) when (absent is HttpRequestException or OperationCanceledException)
        {
            return $"no answer ({absent.Message})";
        }
    }

    /// <summary>After its end.</summary>
    public string LastLines() => string.Join('\n', File.ReadLines(_logPath).TakeLast(12));

    public async ValueTask DisposeAsync()
    {
        Kill();
        if (_started.Task.IsCompleted)
        {
            await Exited.WaitAsync(TimeSpan.FromSeconds(10));
        }

        await Database.DisposeAsync();
        await Peers.DisposeAsync();
        Connections.Dispose();
        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }
    }

    private void End(int signal)
    {
        IsToldToEnd = true;
        Signal(signal);
    }

    private void Signal(int signal)
    {
        try
        {
            if (!_process.HasExited)
            {
                _ = SendSignal(_process.Id, signal);
            }
        }
        catch (Exception neverStarted) when (neverStarted is InvalidOperationException or Win32Exception)
        {
        }
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_log)
        {
            if (_log.BaseStream is { CanWrite: true })
            {
                _log.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {line}");
            }
        }

        if (line.Contains("Application started", StringComparison.Ordinal))
        {
            _started.TrySetResult();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
