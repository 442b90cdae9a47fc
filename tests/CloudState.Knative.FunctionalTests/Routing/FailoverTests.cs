using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>Pods in processes of their own that are terminated, killed, paused and replaced while clients write.</summary>
public sealed class FailoverTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly PostgresSchema _schema = new();
    private readonly List<ServiceProcess> _pods = [];

    public ValueTask InitializeAsync() => _schema.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var pod in _pods)
        {
            await pod.DisposeAsync();
        }

        await _schema.DisposeAsync();
    }

    [Fact]
    public async Task Terminated_UnderLoad_NoRequestFails()
    {
        var (first, second, third) = (await StartAsync(), await StartAsync(), await StartAsync());
        await using var load = new CartLoad(repeatsFailed: false, first, second, third);
        await load.ProgressAsync();

        Assert.Equal(0, await second.TerminateAsync());
        await load.ProgressAsync();

        output.WriteLine($"{load.Acknowledged} commands, slowest {load.WorstLatency.TotalMilliseconds:0} ms");
        Assert.Empty(load.Failures);
        await load.StopAndCheckAsync(first);
    }

    [Fact]
    public async Task FromZeroToFiveToZero_UnderLoad_LosesNothing()
    {
        var first = await StartAsync();
        await using var load = new CartLoad(repeatsFailed: false, first);
        await load.ProgressAsync();

        var more = await Task.WhenAll(StartAsync(), StartAsync(), StartAsync(), StartAsync());
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
    public async Task Rollout_ToAnotherRevision_UnderLoad_NoRequestFails()
    {
        var (old1, old2) = (await StartAsync("cart-00001"), await StartAsync("cart-00001"));
        await using var load = new CartLoad(repeatsFailed: false, old1, old2);
        await load.ProgressAsync();

        var (new1, new2) = (await StartAsync("cart-00002"), await StartAsync("cart-00002"));
        load.Use(old1, old2, new1, new2);
        await load.ProgressAsync();
        Assert.Equal(0, await old1.TerminateAsync());
        Assert.Equal(0, await old2.TerminateAsync());
        load.Use(new1, new2);
        await load.ProgressAsync();

        Assert.Empty(load.Failures);
        await load.StopAndCheckAsync(new2);
    }

    [Fact]
    public async Task Killed_UnderLoad_OthersTakeOver()
    {
        var (first, second) = (await StartAsync(), await StartAsync());
        await using var load = new CartLoad(repeatsFailed: true, first, second);
        await load.ProgressAsync();

        await second.KillAsync();
        load.Use(first);
        await load.ProgressAsync();

        output.WriteLine($"{load.Acknowledged} commands, slowest {load.WorstLatency.TotalMilliseconds:0} ms");
        await load.StopAndCheckAsync(first);
    }

    [Fact]
    public async Task PausedForLongerThanItsLease_AnswersNothingOldAndWritesNothing()
    {
        var (paused, other) = (await StartAsync(), await StartAsync());
        await using var load = new CartLoad(repeatsFailed: true, paused, other);
        await load.ProgressAsync();

        await paused.PauseAsync();
        load.Use(other);
        await load.ProgressAsync();
        await load.StopAndCheckAsync(other);
        await paused.ResumeAsync();

        // Written by the other meanwhile, and asked of the one that has slept.
        await other.Carts.AddItemAsync(new AddLineItem { UserId = "after", ProductId = "p", Quantity = 1 });
        Assert.Single((await paused.Carts.GetCartAsync(new GetShoppingCart { UserId = "after" }, deadline: DateTime.UtcNow + TestService.Patience)).Items);
        await load.StopAndCheckAsync(paused);
    }

    private async Task<ServiceProcess> StartAsync(string revision = "")
    {
        var pod = await ServiceProcess.StartAsync(
            ("ConnectionStrings__CloudState", PostgresSchema.ConnectionString), ("CloudState__Marten__SchemaName", _schema.Name), ("K_REVISION", revision));
        lock (_pods)
        {
            _pods.Add(pod);
        }

        return pod;
    }
}
