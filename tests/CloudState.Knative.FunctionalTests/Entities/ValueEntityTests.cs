using System.Net.Http.Json;
using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Entities;

/// <summary>Accounts over all edges; the same on both stores.</summary>
public abstract class ValueEntityTests : IAsyncLifetime
{
    private TestService _service = null!;

    /// <summary>The settings of a store that outlives the service.</summary>
    private protected abstract (string Key, string Value)[] Settings { get; }

    public async ValueTask InitializeAsync() => _service = await BankService.StartAsync(Settings);

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Updates_AreThereAfterARestart()
    {
        var account = NewKey();
        await DepositAsync(account, 5);
        await DepositAsync(account, 7);

        await RestartAsync();

        var stored = await GetAsync(account);
        Assert.Equal((12, 2), (stored.Balance, stored.Deposits));
    }

    [Fact]
    public async Task DeletedValue_IsAsNewAndCanBeWrittenAgain()
    {
        var account = NewKey();
        await DepositAsync(account, 5);

        var closed = await _service.Accounts().CloseAsync(new CloseAccount { Account = account });
        await RestartAsync();
        var afterRestart = await GetAsync(account);
        await DepositAsync(account, 3);
        await RestartAsync();

        Assert.Equal((0, -1), (closed.Balance, closed.Deposits));
        Assert.Equal((0, -1), (afterRestart.Balance, afterRestart.Deposits));
        Assert.Equal(3, (await GetAsync(account)).Balance);
    }

    [Fact]
    public async Task StateChangedWithoutUpdate_IsNotTheState()
    {
        var account = NewKey();
        await DepositAsync(account, 5);

        var mutated = await DepositAsync(account, 100, "mutate");

        Assert.Equal(105, mutated.Balance);
        Assert.Equal(5, (await GetAsync(account)).Balance);
    }

    [Theory]
    [InlineData("fail", StatusCode.FailedPrecondition)]
    [InlineData("throw", StatusCode.Internal)]
    [InlineData("throw-status", StatusCode.OutOfRange)]
    public async Task FailedCommand_UpdatesNothing(string behaviour, StatusCode status)
    {
        var account = NewKey();
        await DepositAsync(account, 5);
        _service.ExpectErrors();

        var failure = await Assert.ThrowsAsync<RpcException>(() => DepositAsync(account, 100, behaviour));

        Assert.Equal(status, failure.StatusCode);
        Assert.Equal(5, (await GetAsync(account)).Balance);
        await DepositAsync(account, 1);
        Assert.Equal(6, (await GetAsync(account)).Balance);
    }

    [Fact]
    public async Task RepeatedCommand_UpdatesOnceAndRepliesTheSame()
    {
        var account = NewKey();
        var id = new Metadata { { "idempotency-key", NewKey() } };
        var deposit = new DepositMoney { Account = account, Amount = 5 };

        using var first = _service.Accounts().DepositAsync(deposit, id);
        var reply = await first;
        await RestartAsync();
        using var second = _service.Accounts().DepositAsync(deposit, id);

        Assert.Equal(reply, await second);
        Assert.Equal("1", (await second.ResponseHeadersAsync).GetValue("x-deposits"));
        Assert.Equal(5, (await GetAsync(account)).Balance);
    }

    [Fact]
    public async Task Rest_HasTheReplyAndItsMetadata()
    {
        var account = NewKey();

        using var deposited = await _service.Http1.PostAsJsonAsync($"/accounts/{account}", new { amount = "5" }, TestContext.Current.CancellationToken);
        var read = await _service.Http1.GetStringAsync($"/accounts/{account}", TestContext.Current.CancellationToken);

        deposited.EnsureSuccessStatusCode();
        Assert.Equal("1", Assert.Single(deposited.Headers.GetValues("x-deposits")));
        Assert.Equal("""{"balance":"5","deposits":1,"metadata":{}}""", read.Replace(" ", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stream_ShowsUpdatesAndDeletion()
    {
        var account = NewKey();
        using var watch = _service.Accounts().Watch(new WatchAccount { Account = account });
        var changes = watch.ResponseStream;

        Assert.Equal(0, (await NextAsync(changes)).Balance);
        await DepositAsync(account, 5);
        Assert.Equal(5, (await NextAsync(changes)).Balance);
        await _service.Accounts().CloseAsync(new CloseAccount { Account = account });
        Assert.Equal(-1, (await NextAsync(changes)).Deposits);
    }

    private static async Task<Account> NextAsync(IAsyncStreamReader<Account> changes)
    {
        Assert.True(await changes.MoveNext(TestContext.Current.CancellationToken).WaitAsync(TestService.Patience));
        return changes.Current;
    }

    private async Task RestartAsync()
    {
        await _service.DisposeAsync();
        _service = await BankService.StartAsync(Settings);
    }

    private Task<Account> DepositAsync(string account, long amount, string behaviour = "") =>
        _service.Accounts().DepositAsync(new DepositMoney { Account = account, Amount = amount, Behaviour = behaviour }).ResponseAsync;

    private Task<Account> GetAsync(string account) => _service.Accounts().GetAsync(new GetAccount { Account = account }).ResponseAsync;

    private static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteValueEntityTests : ValueEntityTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "bank.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenValueEntityTests(PostgresSchema schema) : ValueEntityTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Routing.Pods.Settings(schema);
}
