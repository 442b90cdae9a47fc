using System.Diagnostics;
using System.Net.Sockets;
using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>The sample as a process, on one of the stores.</summary>
internal sealed class HostileService : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StreamWriter _log;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HostileService(string store, string folder, IReadOnlyDictionary<string, string> settings, string program)
    {
        Store = store;
        Port = FreePorts.Next();
        LogPath = Path.Combine(folder, $"{store}.log");
        _log = new StreamWriter(LogPath, append: true) { AutoFlush = true };
        var start = PodSettings.StartOf(program);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = folder;
        start.Environment["PORT"] = $"{Port}";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
    }

    public string Store { get; }

    public int Port { get; }

    public Uri Address => new($"http://127.0.0.1:{Port}");

    public string LogPath { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>Returns when it listens.</summary>
    /// <exception cref="InvalidOperationException">It ended instead.</exception>
    public static async Task<HostileService> StartAsync(string store, string folder, string pidFile, IReadOnlyDictionary<string, string> settings, string? program = null)
    {
        var service = new HostileService(store, folder, settings, program ?? PodSettings.Sample);
        service._process.OutputDataReceived += (_, line) => service.Read(line.Data);
        service._process.ErrorDataReceived += (_, line) => service.Read(line.Data);
        service._process.Exited += (_, _) => service._started.TrySetException(new InvalidOperationException($"The service ended instead of starting; see {service.LogPath}."));
        service._process.Start();
        await File.AppendAllTextAsync(pidFile, $"{service._process.Id}\n");
        service._process.BeginOutputReadLine();
        service._process.BeginErrorReadLine();
        await service._started.Task.WaitAsync(Patience);
        return service;
    }

    public async Task<NetworkStream> ConnectAsync(CancellationToken cancelled)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync("127.0.0.1", Port, cancelled);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
        lock (_log)
        {
            _log.Dispose();
        }
    }

    private void Read(string? line)
    {
        lock (_log)
        {
            if (line is not null && _log.BaseStream is { CanWrite: true })
            {
                _log.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {line}");
            }
        }

        if (line?.Contains("Application started", StringComparison.Ordinal) == true)
        {
            _started.TrySetResult();
        }
    }
}
