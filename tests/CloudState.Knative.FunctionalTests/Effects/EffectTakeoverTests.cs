using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Effects;

/// <summary>Effects of entities that move between pods.</summary>
public sealed class EffectTakeoverTests(PostgresSchema schema) : IClassFixture<PostgresSchema>
{
    [Fact]
    public async Task NewOwner_MakesWhatIsLeft()
    {
        await using var leaving = await BankService.StartAsync(Pods.Settings(schema));
        var transfer = leaving.KeyOf("transfer");
        var account = Guid.NewGuid().ToString("N");
        (leaving.Events().Refusals, leaving.Events().RefuseWith) = (int.MaxValue, StatusCode.Unavailable);
        await leaving.Transfers().TransferAsync(new TransferMoney { Transfer = transfer, To = { account }, Amount = 5 });
        await leaving.Events().UntilAsync(arrived => arrived.Count > 0);

        await using var staying = await BankService.StartAsync(Pods.Settings(schema));
        await leaving.StopAsync();

        await staying.Events().UntilAsync(arrived => arrived.Any(entry => entry.Deposit.Account == account));
        Assert.Equal(leaving.Events().Arrived[0].CommandId, staying.Events().Arrived[^1].CommandId);
        Assert.Equal(5, await staying.BalanceAsync(account));
    }

    [Fact]
    public async Task CallThroughAnotherPod_HasEffectsForwardAndReplyMetadata()
    {
        await using var first = await BankService.StartAsync(Pods.Settings(schema));
        await using var second = await BankService.StartAsync(Pods.Settings(schema));
        await Pods.SettledAsync(first, second);
        var (transfer, account) = (second.KeyOf("transfer"), first.KeyOf("account", "account"));

        using var call = first.Transfers().TransferAsync(
            new TransferMoney { Transfer = transfer, To = { account }, ForwardTo = account, Amount = 5, Synchronous = true }, new Metadata { { "x-caller", "me" } });

        Assert.Equal((10, "me"), ((await call).Balance, (await call).Metadata["x-caller"]));
        Assert.Equal("2", (await call.ResponseHeadersAsync).GetValue("x-deposits"));
    }
}
