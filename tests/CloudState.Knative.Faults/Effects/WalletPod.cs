using System.Diagnostics;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Storage;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CloudState.Knative.Faults.Effects;

/// <summary>A process with wallets: this program as <c>wallets DEADLY</c>.</summary>
internal sealed class WalletPod : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly GrpcChannel _channel;

    private WalletPod(Process process, int port)
    {
        _process = process;
        _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");
        Wallets = new Wallets.WalletsClient(_channel);
    }

    public Wallets.WalletsClient Wallets { get; }

    /// <summary>The process itself.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var where = Enum.Parse<Deadly>(args[0]);
        var builder = WebApplication.CreateSlimBuilder();
        var cloudState = builder.AddCloudState().AddEntity<WalletEntity>().UseMarten().UseSqlite();
        var original = cloudState.Services.Single(service => service.ServiceType == typeof(IEntityStore)).ImplementationFactory!;
        cloudState.Services.Replace(ServiceDescriptor.Singleton<IEntityStore>(provider => new DeadlyStore((IEntityStore)original(provider), where)));
        var app = builder.Build();
        app.UseCloudState();
        app.MapCloudState();
        return await app.RunCloudStateAsync(args);
    }

    public static async Task<WalletPod> StartAsync(Deadly where, IReadOnlyDictionary<string, string> settings)
    {
        var port = FreePorts.Next();
        var start = new ProcessStartInfo("dotnet", [typeof(WalletPod).Assembly.Location, "wallets", $"{where}"]) { RedirectStandardOutput = true };
        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        start.Environment["PORT"] = $"{port}";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["Logging__LogLevel__Default"] = "Warning";
        start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Contains("Application started", StringComparison.Ordinal) == true)
            {
                started.TrySetResult();
            }
        };

        // One that is deadly where there is something left to receive may not live to say that it has started.
        process.Exited += (_, _) => started.TrySetResult();
        process.Start();
        process.BeginOutputReadLine();
        await started.Task.WaitAsync(Patience);
        return new WalletPod(process, port);
    }

    /// <summary>Waits for the end of a pod that kills itself; whether it was a SIGKILL.</summary>
    public async Task<bool> KilledAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Patience);
        return _process.ExitCode == 128 + 9;
    }

    /// <summary>Waits until a wallet has received so many.</summary>
    public async Task<Wallet> ReceivedAsync(string wallet, int count)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var watch = Wallets.Watch(new Question { Wallet = wallet }, cancellationToken: patience.Token);
        while (await watch.ResponseStream.MoveNext(patience.Token))
        {
            if (watch.ResponseStream.Current.Received.Count >= count)
            {
                return watch.ResponseStream.Current;
            }
        }

        throw new InvalidOperationException("The stream has ended.");
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }

        _process.Dispose();
    }
}
