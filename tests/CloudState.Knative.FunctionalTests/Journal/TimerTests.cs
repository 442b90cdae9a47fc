using System.Net.Http.Json;
using System.Text.Json;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>Timers of entities; the same on both stores.</summary>
public abstract class TimerTests
{
    private protected abstract (string Key, string Value)[] Settings { get; }

    [Fact]
    public async Task Timer_FiresOnce_UnlessItIsCancelledOrSetAnew()
    {
        await using var shop = await StartAsync();
        var order = NewKey();

        await RemindAsync(shop, order, "cancelled", 60_000);
        await RemindAsync(shop, order, "moved", 60_000);
        await RemindAsync(shop, order, "cancelled", -1);
        await RemindAsync(shop, order, "moved", 20);
        await RemindAsync(shop, order, "kept", 40);

        var fired = await shop.Events().UntilAsync(2, arrival => arrival.Order == order);
        Assert.Equal(["Expire moved", "Expire kept"], fired.Select(arrival => arrival.Handler));
        Assert.Equal(2, fired.Select(arrival => arrival.CommandId).Distinct().Count());
    }

    [Fact]
    public async Task TimerOfACommandThatFails_IsTriedAgainUnderTheSameId()
    {
        await using var shop = await StartAsync();
        var (order, refusals) = (NewKey(), 2);
        shop.Events().Refuse = _ => refusals-- > 0 ? StatusCode.Unavailable : null;

        await RemindAsync(shop, order, "a", 0);

        var fired = await shop.Events().UntilAsync(3, arrival => arrival.Order == order);
        Assert.Single(fired.Select(arrival => arrival.CommandId).Distinct());
    }

    [Fact]
    public async Task TimerThatFellDueWhileNobodyWasThere_FiresOnWake()
    {
        var (missed, later) = (NewKey(), NewKey());
        await using (var before = await StartAsync())
        {
            await RemindAsync(before, missed, "a", 300);
            await RemindAsync(before, later, "a", 600_000);
        }

        await Task.Delay(300, TestContext.Current.CancellationToken);
        await using var shop = await StartAsync();
        using var woken = await shop.Http1.PostAsync("/cloudstate/wake", null, TestContext.Current.CancellationToken);

        Assert.Contains(shop.Events().Arrived, arrival => arrival.Order == missed);
        var report = await woken.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(0, report.GetProperty("waiting").GetInt32());
        Assert.InRange(report.GetProperty("nextTimer").GetDateTimeOffset() - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(11));
        Assert.DoesNotContain(shop.Events().Arrived, arrival => arrival.Order == later);
    }

    [Fact]
    public async Task TimerOfAnAction_FiresUnlessItIsCancelled()
    {
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddAction<RemindersAction>(), Settings);
        var (reminders, key) = (new Reminders.RemindersClient(shop.Channel), NewKey());

        await reminders.RemindAsync(new RemindOrder { Order = key, Timer = $"a {key}", Milliseconds = 60_000 });
        await reminders.RemindAsync(new RemindOrder { Order = key, Timer = $"a {key}", Milliseconds = -1 });
        await reminders.RemindAsync(new RemindOrder { Order = key, Timer = $"b {key}", Milliseconds = 10 });

        var fired = await shop.Events().UntilAsync(1, arrival => arrival.Order == key);
        Assert.Equal([$"Ring b {key}"], fired.Select(arrival => arrival.Handler));
        using var outside = await shop.Http1.PostAsync("/cloudstate.internal.ActionTimers/Change", null, TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, outside.StatusCode);
    }

    [Fact]
    public async Task ActionThatDoesNotSayThatItHasTimers_FailsWithWhatToDo()
    {
        await using var shop = await ShopService.StartAsync(cloudState => cloudState.AddAction<ForgetfulAction>(), [.. Settings, ("CloudState:EnableDetailedErrors", "true")]);
        shop.ExpectErrors();

        var failure = await Assert.ThrowsAsync<RpcException>(() => new Forgetful.ForgetfulClient(shop.Channel).RemindAsync(new RemindOrder { Timer = "a" }).ResponseAsync);

        Assert.Contains("ForgetfulAction sets the timer 'a'. Let its attribute say so: [Action<…>(UsesTimers = true)].", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WakeBySourceOfEvents_IsAnsweredWithoutABody()
    {
        await using var shop = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/cloudstate/wake");
        request.Headers.Add("ce-specversion", "1.0");

        using var woken = await shop.Http1.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.NoContent, woken.StatusCode);
    }

    private protected Task<TestService> StartAsync() => ShopService.StartAsync(_ => { }, Settings);

    private protected static Task RemindAsync(TestService shop, string order, string timer, int milliseconds) =>
        shop.Orders().RemindAsync(new RemindOrder { Order = order, Timer = timer, Milliseconds = milliseconds }).ResponseAsync;

    private protected static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteTimerTests : TimerTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "shop.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenTimerTests(PostgresSchema schema) : TimerTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Pods.Settings(schema);

    [Fact]
    public async Task NewOwner_FiresTheTimersOfThoseThatHaveLeft()
    {
        await using var leaving = await StartAsync();
        var order = leaving.KeyOf("order", NewKey());
        await RemindAsync(leaving, order, "a", 1_500);

        await using var staying = await StartAsync();
        await leaving.StopAsync();

        await staying.Events().UntilAsync(1, arrival => arrival.Order == order);
        Assert.DoesNotContain(leaving.Events().Arrived, arrival => arrival.Order == order);
    }
}
