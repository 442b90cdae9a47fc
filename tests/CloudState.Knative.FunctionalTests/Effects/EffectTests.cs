using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Effects;

/// <summary>Transfers whose deposits are effects; the same on both stores.</summary>
public abstract class EffectTests : IAsyncLifetime
{
    private TestService _service = null!;

    /// <summary>The settings of a store that outlives the service.</summary>
    private protected abstract (string Key, string Value)[] Settings { get; }

    private BankEvents Events => _service.Events();

    public async ValueTask InitializeAsync() => _service = await StartAsync(new BankEvents());

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task AsynchronousEffects_AreMadeInOrderAfterTheReply()
    {
        var (transfer, a, b) = (NewKey(), NewKey(), NewKey());
        Events.Close();

        var reply = await TransferAsync(new TransferMoney { Transfer = transfer, To = { a, b }, Amount = 5 });
        await ArrivedAsync(a);

        Assert.Equal(10, reply.Balance);
        Assert.DoesNotContain(Events.Arrived, arrived => arrived.Deposit.Account == b);
        Events.Open();
        await ArrivedAsync(b);
        Assert.Equal([a, b], Events.Arrived.Select(arrived => arrived.Deposit.Account));
        await BalanceIsAsync(b, 5);
    }

    [Fact]
    public async Task SynchronousEffects_AreDoneBeforeTheReply()
    {
        var (a, b) = (NewKey(), NewKey());

        await TransferAsync(new TransferMoney { Transfer = NewKey(), To = { a, b }, Amount = 5, Synchronous = true });

        Assert.Equal([a, b], Events.Arrived.Select(arrived => arrived.Deposit.Account));
        Assert.Equal(5, await _service.BalanceAsync(b));
    }

    [Fact]
    public async Task RejectedSynchronousEffect_FailsTheCallAndTheOthersAreMade()
    {
        var (transfer, a, b) = (NewKey(), NewKey(), NewKey());
        (Events.Refusals, Events.RefuseWith) = (1, StatusCode.OutOfRange);

        var failure = await Assert.ThrowsAsync<RpcException>(() => TransferAsync(new TransferMoney { Transfer = transfer, To = { a, b }, Amount = 5, Synchronous = true }));

        Assert.Equal(StatusCode.OutOfRange, failure.StatusCode);
        Assert.Contains("The call took effect, but its effect cloudstate.tests.bank.Accounts/Deposit did not: Refused by the test.", failure.Status.Detail);
        Assert.Equal((0, 5), (await _service.BalanceAsync(a), await _service.BalanceAsync(b)));
        Assert.Equal(10, (await GetAsync(transfer)).Total);
    }

    [Fact]
    public async Task Forward_AnswersWithTheReplyOfTheOther()
    {
        var (transfer, account) = (NewKey(), NewKey());

        using var call = _service.Transfers().TransferAsync(new TransferMoney { Transfer = transfer, ForwardTo = account, Amount = 7 }, new Metadata { { "x-caller", "me" } });
        var reply = await call;

        Assert.Equal(7, reply.Balance);
        Assert.Equal("me", reply.Metadata["x-caller"]);
        Assert.Equal("1", (await call.ResponseHeadersAsync).GetValue("x-deposits"));
    }

    [Fact]
    public async Task RepeatedForward_TakesEffectOnce()
    {
        var account = NewKey();
        var id = new Metadata { { "idempotency-key", NewKey() } };
        var transfer = new TransferMoney { Transfer = NewKey(), To = { account }, ForwardTo = account, Amount = 7, Synchronous = true };

        var first = await _service.Transfers().TransferAsync(transfer, id);
        await RestartAsync();
        var second = await _service.Transfers().TransferAsync(transfer, id);

        Assert.Equal(first, second);
        Assert.Equal(14, await _service.BalanceAsync(account));
    }

    [Fact]
    public async Task FailedCommand_HasNoEffects()
    {
        var (transfer, account, later) = (NewKey(), NewKey(), NewKey());

        await Assert.ThrowsAsync<RpcException>(() => TransferAsync(new TransferMoney { Transfer = transfer, To = { account }, ForwardTo = account, Amount = 7, Behaviour = "fail-transfer" }));
        await TransferAsync(new TransferMoney { Transfer = transfer, To = { later }, Amount = 1 });
        await ArrivedAsync(later);

        Assert.DoesNotContain(Events.Arrived, arrived => arrived.Deposit.Account == account);
        Assert.Equal([later], (await GetAsync(transfer)).Notes);
    }

    [Fact]
    public async Task EffectThatNobodyTakes_IsTriedUntilSomebodyDoes()
    {
        var account = NewKey();
        Events.Refusals = 3;

        await TransferAsync(new TransferMoney { Transfer = NewKey(), To = { account }, Amount = 5 });
        await Events.UntilAsync(arrived => arrived.Count == 4);

        await BalanceIsAsync(account, 5);
        Assert.Single(Events.Arrived.Select(arrived => arrived.CommandId).Distinct());
    }

    [Fact]
    public async Task EffectThatIsRejected_IsGivenUpAndTheNextIsMade()
    {
        var (a, b) = (NewKey(), NewKey());
        (Events.Refusals, Events.RefuseWith) = (1, StatusCode.InvalidArgument);
        _service.ExpectErrors();

        await TransferAsync(new TransferMoney { Transfer = NewKey(), To = { a, b }, Amount = 5 });
        await ArrivedAsync(b);

        await BalanceIsAsync(b, 5);
        Assert.Equal(0, await _service.BalanceAsync(a));
    }

    [Fact]
    public async Task EffectsLeftByAServiceThatStopped_AreMadeByTheNextOne()
    {
        var (transfer, a, b) = (NewKey(), NewKey(), NewKey());
        Events.Close();
        await TransferAsync(new TransferMoney { Transfer = transfer, To = { a, b }, Amount = 5 });
        await ArrivedAsync(a);

        await RestartAsync();

        await BalanceIsAsync(a, 5);
        await BalanceIsAsync(b, 5);
        Assert.Equal(10, (await GetAsync(transfer)).Total);
    }

    [Fact]
    public async Task DeletedEntity_StartsAnew()
    {
        var (transfer, account) = (NewKey(), NewKey());
        await TransferAsync(new TransferMoney { Transfer = transfer, To = { account }, Amount = 5, Synchronous = true });

        var deleted = await TransferAsync(new TransferMoney { Transfer = transfer, Behaviour = "delete" });
        await RestartAsync();
        var anew = await TransferAsync(new TransferMoney { Transfer = transfer, To = { account }, Amount = 3, Synchronous = true });
        await RestartAsync();

        Assert.Equal((0, 3), (deleted.Balance, anew.Balance));
        Assert.Equal([account], (await GetAsync(transfer)).Notes);
    }

    [Fact]
    public async Task Loop_EndsWithAnError()
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => TransferAsync(new TransferMoney { Transfer = NewKey(), Behaviour = "loop" }));

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Contains("More than 32 calls have led to cloudstate.tests.bank.Transfers/Transfer", failure.Status.Detail);
    }

    [Theory]
    [InlineData("unknown", "cannot call cloudstate.tests.probe.Probe/Add. Register the class")]
    [InlineData("wrong-reply", "cannot get its reply from cloudstate.tests.bank.Transfers/Get")]
    public async Task CallThatCannotBe_FailsTheCommand(string behaviour, string message)
    {
        _service.ExpectErrors();

        var failure = await Assert.ThrowsAsync<RpcException>(() => TransferAsync(new TransferMoney { Transfer = NewKey(), Behaviour = behaviour }));

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Contains(message, failure.Status.Detail);
    }

    private Task<TestService> StartAsync(BankEvents events) => BankService.StartAsync(events, configure: null, [.. Settings, ("CloudState:EnableDetailedErrors", "true"), ("CloudState:Delivery:RetryDelay", "00:00:00.010")]);

    private async Task RestartAsync()
    {
        await _service.DisposeAsync();
        _service = await StartAsync(new BankEvents());
    }

    private Task<Account> TransferAsync(TransferMoney transfer) => _service.Transfers().TransferAsync(transfer).ResponseAsync;

    private Task<TransferState> GetAsync(string transfer) => _service.Transfers().GetAsync(new GetTransfer { Transfer = transfer }).ResponseAsync;

    private Task ArrivedAsync(string account) => Events.UntilAsync(arrived => arrived.Any(entry => entry.Deposit.Account == account));

    private async Task BalanceIsAsync(string account, long balance)
    {
        using var watch = _service.Accounts().Watch(new WatchAccount { Account = account });
        using var patience = new CancellationTokenSource(TestService.Patience);
        do
        {
            Assert.True(await watch.ResponseStream.MoveNext(patience.Token));
        }
        while (watch.ResponseStream.Current.Balance < balance);
        Assert.Equal(balance, watch.ResponseStream.Current.Balance);
    }

    private static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteEffectTests : EffectTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", Path.Combine(_folder.Path, "bank.db"))];

    public void Dispose() => _folder.Dispose();
}

public sealed class MartenEffectTests(PostgresSchema schema) : EffectTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Routing.Pods.Settings(schema);
}
