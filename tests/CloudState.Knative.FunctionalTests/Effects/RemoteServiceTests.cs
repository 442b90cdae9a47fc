using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Effects;

/// <summary>Transfers and tellers in one service, the accounts in another.</summary>
public sealed class RemoteServiceTests : IAsyncLifetime
{
    private readonly string _account = Guid.NewGuid().ToString("N");
    private TestService _bank = null!;
    private TestService _caller = null!;

    public async ValueTask InitializeAsync()
    {
        _bank = await BankService.StartAsync();
        _caller = await StartCallerAsync(_bank.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _caller.DisposeAsync();
        await _bank.DisposeAsync();
    }

    [Fact]
    public async Task Forward_AnswersWithTheReplyOfTheOtherService()
    {
        var reply = await _caller.Tellers().PayAsync(new Payment { Account = _account, Amount = 5 }, new Metadata { { "x-caller", "me" } });

        Assert.Equal((5, "me"), (reply.Balance, reply.Metadata["x-caller"]));
        Assert.Contains("traceparent", reply.Metadata.Keys);
    }

    [Fact]
    public async Task DurableEffect_ReachesTheOtherServiceOnce()
    {
        _bank.Events().Refusals = 2;

        await _caller.Transfers().TransferAsync(new TransferMoney { Transfer = "t", To = { _account }, Amount = 5 });
        await _bank.Events().UntilAsync(arrived => arrived.Count == 3);

        Assert.Single(_bank.Events().Arrived.Select(arrived => arrived.CommandId).Distinct());
        await using var later = await StartCallerAsync(_bank.Address);
        Assert.Equal(6, (await later.Tellers().PayAsync(new Payment { Account = _account, Amount = 1 })).Balance);
    }

    [Fact]
    public async Task RejectionByTheOtherService_IsTheCallers()
    {
        (_bank.Events().Refusals, _bank.Events().RefuseWith) = (1, StatusCode.OutOfRange);

        var failure = await Assert.ThrowsAsync<RpcException>(() => _caller.Tellers().PayAsync(new Payment { Account = _account, Amount = 5 }).ResponseAsync);

        Assert.Equal((StatusCode.OutOfRange, "Refused by the test."), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task Client_IsInjected()
    {
        await using var scope = _caller.Services.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<Accounts.AccountsClient>();

        Assert.Equal(0, (await accounts.GetAsync(new GetAccount { Account = _account })).Balance);
    }

    [Theory]
    [InlineData("nonsense", "CloudState:Services:bank is 'nonsense'. Set it to an address such as http://bank.default.svc.cluster.local.")]
    [InlineData("", "Nothing says where the service bank is. Set CloudState:Services:bank to its address.")]
    public async Task ServiceWithoutAddress_EndsTheStartAndSaysWhatToSet(string address, string message) =>
        Assert.Equal(message, (await Assert.ThrowsAsync<InvalidOperationException>(() => StartCallerAsync(address))).Message);

    [Fact]
    public async Task DeclaredCallOfAServiceThatIsNotThere_EndsTheStart()
    {
        var refused = await Assert.ThrowsAsync<EntityDefinitionException>(() => TestService.StartHostAsync(
            cloudState => cloudState.AddAction<TellerAction>().Services.AddSingleton(new BankEvents()), []));

        Assert.Equal(
            "CloudState.Knative.FunctionalTests.Bank.TellerAction calls cloudstate.tests.bank.Accounts, which is not in this service. " +
            "Register the class that implements it with AddEntity or AddAction, or another service with AddServiceClient.",
            refused.Message);
    }

    private static Task<TestService> StartCallerAsync(Uri bank) => StartCallerAsync(bank.ToString());

    private static Task<TestService> StartCallerAsync(string bank) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton(new BankEvents());
            cloudState.AddEntity<TransferEntity>().AddAction<TellerAction>().UseJson(BankJson.Default).AddServiceClient<Accounts.AccountsClient>(Accounts.Descriptor, "bank");
        },
        [("CloudState:Services:bank", bank), ("CloudState:EnableDetailedErrors", "true"), ("CloudState:Delivery:RetryDelay", "00:00:00.010")]);
}
