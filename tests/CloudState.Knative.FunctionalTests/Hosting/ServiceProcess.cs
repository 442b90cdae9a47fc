using System.Diagnostics;
using Grpc.Net.Client;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>A sample, by default the shopping cart, in a process of its own, which can be killed. <c>CLOUDSTATE_TEST_SAMPLE</c> may name a published executable of that to test instead of the built one.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly List<string> _output = [];
    private readonly List<(string Text, TaskCompletionSource Printed)> _awaited = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(Process process, int port)
    {
        _process = process;
        Address = new Uri($"http://localhost:{port}");
        Http = new HttpClient { BaseAddress = Address, Timeout = TestService.Patience };
        Channel = GrpcChannel.ForAddress(Address);
        Carts = new ShoppingCart.Api.ShoppingCart.ShoppingCartClient(Channel);
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public GrpcChannel Channel { get; }

    public ShoppingCart.Api.ShoppingCart.ShoppingCartClient Carts { get; }

    /// <summary>What the system says about the memory of the process: the most that it had, and what it has.</summary>
    public string Memory => string.Join(' ', File.ReadLines($"/proc/{_process.Id}/status").Where(line => line.StartsWith("VmHWM", StringComparison.Ordinal) || line.StartsWith("VmRSS", StringComparison.Ordinal)));

    public string Output
    {
        get
        {
            lock (_output)
            {
                return string.Join('\n', _output);
            }
        }
    }

    /// <summary>Starts the sample and waits until it listens.</summary>
    public static Task<ServiceProcess> StartAsync(params (string Key, string Value)[] settings) => StartAsync(sample: null, settings);

    /// <param name="sample">The assembly of another sample.</param>
    /// <param name="settings">Environment variables.</param>
    public static async Task<ServiceProcess> StartAsync(string? sample, (string Key, string Value)[] settings)
    {
        var service = Start(sample, [], settings);
        await service.PrintedAsync("Application started");
        return service;
    }

    /// <summary>Starts the sample, and does not wait.</summary>
    public static ServiceProcess Start(string? sample, string[] arguments, params (string Key, string Value)[] settings)
    {
        var port = FreePort();
        var service = new ServiceProcess(Create(sample, arguments, [("PORT", $"{port}"), .. settings]), port);
        service._process.OutputDataReceived += (_, line) => service.Read(line.Data);
        service._process.ErrorDataReceived += (_, line) => service.Read(line.Data);
        service._process.Exited += (_, _) => service._ended.TrySetResult();
        service._process.Start();
        service._process.BeginOutputReadLine();
        service._process.BeginErrorReadLine();
        return service;
    }

    /// <summary>Waits for a line that contains a text.</summary>
    public async Task PrintedAsync(string text)
    {
        var printed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_output)
        {
            _awaited.Add((text, printed));
            if (_output.Exists(line => line.Contains(text, StringComparison.Ordinal)))
            {
                return;
            }
        }

        await Task.WhenAny(printed.Task, _ended.Task).WaitAsync(TestService.Patience);
        if (!printed.Task.IsCompleted)
        {
            throw new InvalidOperationException($"The process ended before it printed '{text}':\n{Output}");
        }
    }

    /// <summary>Waits for the end.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TestService.Patience);
        return _process.ExitCode;
    }

    /// <summary>Runs the sample to its end.</summary>
    public static Task<(int ExitCode, string Output)> RunAsync(string[] arguments, params (string Key, string Value)[] settings) => RunAsync(sample: null, arguments, settings);

    /// <param name="sample">The assembly of another sample.</param>
    /// <param name="arguments">Of the process.</param>
    /// <param name="settings">Environment variables.</param>
    public static async Task<(int ExitCode, string Output)> RunAsync(string? sample, string[] arguments, (string Key, string Value)[] settings)
    {
        using var process = Create(sample, arguments, [("PORT", $"{FreePort()}"), .. settings]);
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TestService.Patience);
        }
        finally
        {
            process.Kill();
        }

        return (process.ExitCode, await output + await errors);
    }

    /// <summary>Waits until a probe says that the service is ready.</summary>
    public async Task ReadyAsync(string probe)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!(await Http.GetAsync(probe, patience.Token)).IsSuccessStatusCode)
        {
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(TestService.Patience);
    }

    /// <summary>SIGTERM; returns the exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        return await ExitCodeAsync();
    }

    /// <summary>SIGSTOP.</summary>
    public Task PauseAsync() => SignalAsync("STOP");

    /// <summary>SIGCONT.</summary>
    public Task ResumeAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        Http.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync().WaitAsync(TestService.Patience);
    }

    private static Process Create(string? sample, string[] arguments, (string Key, string Value)[] settings)
    {
        var published = sample is null ? Environment.GetEnvironmentVariable("CLOUDSTATE_TEST_SAMPLE") : null;
        var start = published is null
            ? new ProcessStartInfo("dotnet", [sample ?? typeof(ShoppingCart.ShoppingCartEntity).Assembly.Location, .. arguments])
            : new ProcessStartInfo(published, arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.WorkingDirectory = Path.GetTempPath();
        start.Environment["CloudState__Cluster__Port"] = "0";
        start.Environment["CloudState__Cluster__Address"] = "127.0.0.1";
        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        return new Process { StartInfo = start, EnableRaisingEvents = true };
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.Add(line);
            _awaited.FindAll(awaited => line.Contains(awaited.Text, StringComparison.Ordinal)).ForEach(awaited => awaited.Printed.TrySetResult());
        }
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
