using CloudState.Knative.FunctionalTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.FunctionalTests.Bank;

/// <summary>The bank in this process.</summary>
internal static class BankService
{
    public static Task<TestService> StartAsync(params (string Key, string Value)[] settings) => StartAsync(new BankEvents(), configure: null, settings);

    public static Task<TestService> StartAsync(BankEvents events, Action<EntityOptions>? configure, params (string Key, string Value)[] settings) => TestService.StartAsync(
        more: cloudState =>
        {
            cloudState.Services.AddSingleton(events);
            cloudState.AddEntity<AccountEntity>(configure).AddEntity<TransferEntity>(configure).AddAction<TellerAction>().UseJson(BankJson.Default);
        },
        settings: settings);

    public static BankEvents Events(this TestService service) => service.Services.GetRequiredService<BankEvents>();

    public static Accounts.AccountsClient Accounts(this TestService service) => new(service.Channel);

    public static Transfers.TransfersClient Transfers(this TestService service) => new(service.Channel);

    public static Tellers.TellersClient Tellers(this TestService service) => new(service.Channel);

    public static async Task<long> BalanceAsync(this TestService service, string account) =>
        (await service.Accounts().GetAsync(new GetAccount { Account = account })).Balance;
}
