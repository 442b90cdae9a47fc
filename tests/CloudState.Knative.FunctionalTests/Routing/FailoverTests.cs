using System.Diagnostics;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>Pods in processes of their own that are terminated, killed, paused and replaced while clients write.</summary>
public sealed class FailoverTests(ITestOutputHelper output) : IAsyncLifetime
{
    // For tests that wait for a lease to end.
    private static readonly (string, string)[] ShortLease =
        [("CloudState__Cluster__Lease", "00:00:02"), ("CloudState__Cluster__Renewal", "00:00:00.3"), ("CloudState__Cluster__Margin", "00:00:00.3")];

    private readonly PostgresSchema _schema = new();
    private readonly List<ServiceProcess> _pods = [];

    public ValueTask InitializeAsync() => _schema.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_pods.Select(pod => pod.DisposeAsync().AsTask()));

        await _schema.DisposeAsync();
    }

    [Fact]
    public async Task Terminated_UnderLoad_NoRequestFails()
    {
        var pods = await StartAllAsync(3);
        await using var load = new CartLoad(repeatsFailed: false, pods);
        await load.ProgressAsync();

        Assert.Equal(0, await pods[1].TerminateAsync());
        await load.ProgressAsync();

        output.WriteLine($"{load.Acknowledged} commands, slowest {load.WorstLatency.TotalMilliseconds:0} ms");
        Assert.Empty(load.Failures);
        await load.StopAndCheckAsync(pods[0]);
    }

    [Fact]
    public async Task FromZeroToFiveToZero_UnderLoad_LosesNothing()
    {
        var first = await StartAsync();
        await using var load = new CartLoad(repeatsFailed: false, first);
        await load.ProgressAsync();

        var more = await StartAllAsync(4);
        load.Use([first, .. more]);
        await load.ProgressAsync();

        foreach (var pod in _pods.Except([first]).ToArray())
        {
            Assert.Equal(0, await pod.TerminateAsync());
        }

        load.Use(first);
        await load.ProgressAsync();
        Assert.True(load.Failures.IsEmpty, string.Join('\n', load.Failures));
        await load.StopAndCheckAsync(first);

        Assert.Equal(0, await first.TerminateAsync());
        Assert.Equal(0, await _schema.QueryAsync<long>($"select count(*) from {_schema.Name}.cloudstate_members"));
        var next = await StartAsync();
        await load.StopAndCheckAsync(next);
    }

    [Fact]
    public async Task AllTerminatedAtOnce_UnderLoad_NoneWaitsForAnother()
    {
        var pods = await StartAllAsync(3);
        await using var load = new CartLoad(repeatsFailed: true, pods);
        await load.ProgressAsync();

        var started = Stopwatch.GetTimestamp();
        Assert.All(await Task.WhenAll(pods.Select(pod => pod.TerminateAsync())), exitCode => Assert.Equal(0, exitCode));

        output.WriteLine($"{Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        var next = await StartAsync();
        load.Use(next);
        await load.ProgressAsync();
        await load.StopAndCheckAsync(next);
    }

    [Fact]
    public async Task Rollout_ToAnotherRevision_UnderLoad_NoRequestFails()
    {
        var old = await StartAllAsync(2, ("K_REVISION", "cart-00001"));
        await using var load = new CartLoad(repeatsFailed: false, old);
        await load.ProgressAsync();

        var recent = await StartAllAsync(2, ("K_REVISION", "cart-00002"));
        load.Use([.. old, .. recent]);
        await load.ProgressAsync();
        Assert.Equal(0, await old[0].TerminateAsync());
        Assert.Equal(0, await old[1].TerminateAsync());
        load.Use(recent);
        await load.ProgressAsync();

        Assert.Empty(load.Failures);
        await load.StopAndCheckAsync(recent[1]);
    }

    [Fact]
    public async Task Killed_UnderLoad_OthersTakeOver()
    {
        var pods = await StartAllAsync(2, ShortLease);
        var (first, second) = (pods[0], pods[1]);
        await using var load = new CartLoad(repeatsFailed: true, first, second);
        await load.ProgressAsync();

        await second.KillAsync();
        load.Use(first);
        await load.ProgressAsync();
        await ExpelledAsync();

        output.WriteLine($"{load.Acknowledged} commands, slowest {load.WorstLatency.TotalMilliseconds:0} ms");
        await load.StopAndCheckAsync(first);
    }

    [Fact]
    public async Task PausedForLongerThanItsLease_AnswersNothingOldAndWritesNothing()
    {
        var pods = await StartAllAsync(2, ShortLease);
        var (paused, other) = (pods[0], pods[1]);

        // A paused pod neither answers nor refuses: its clients give up, and repeat their commands elsewhere.
        await using var load = new CartLoad(repeatsFailed: true, callTimeout: TimeSpan.FromSeconds(3), paused, other);
        await load.ProgressAsync();

        // Into the memory of their owners: about half of them of the pod that is going to sleep.
        string[] users = [.. Enumerable.Range(0, 16).Select(number => $"after-{number}")];
        await Task.WhenAll(users.Select(user => CartLoad.ReadAsync(paused, user)));

        await paused.PauseAsync();
        load.Use(other);
        await load.ProgressAsync();
        await load.StopAndCheckAsync(other);
        await ExpelledAsync();
        await Task.WhenAll(users.Select(user => other.Carts.AddItemAsync(
            new AddLineItem { UserId = user, ProductId = "p", Quantity = 1 }, deadline: DateTime.UtcNow + TestService.Patience).ResponseAsync));
        await paused.ResumeAsync();

        // Written by the other meanwhile, and asked of the one that has slept.
        Assert.All(await Task.WhenAll(users.Select(user => CartLoad.ReadAsync(paused, user))), cart => Assert.Single(cart.Items));
        await load.StopAndCheckAsync(paused);
    }

    /// <summary>Waits until the lease of the pod that does not answer has ended, and the last one is a member alone. Each question is a round trip.</summary>
    private async Task ExpelledAsync()
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (await _schema.QueryAsync<long>($"select count(*) from {_schema.Name}.cloudstate_members") != 1)
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    private Task<ServiceProcess[]> StartAllAsync(int count, params (string, string)[] settings) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => StartAsync(settings)));

    private async Task<ServiceProcess> StartAsync(params (string, string)[] settings)
    {
        var pod = await ServiceProcess.StartAsync(
            [("ConnectionStrings__CloudState", PostgresSchema.ConnectionString), ("CloudState__Marten__SchemaName", _schema.Name), .. settings]);
        lock (_pods)
        {
            _pods.Add(pod);
        }

        return pod;
    }
}
