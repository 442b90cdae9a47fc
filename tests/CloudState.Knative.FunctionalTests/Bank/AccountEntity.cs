using System.Text.Json.Serialization;
using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Bank;

/// <summary>What is stored of an account, as JSON.</summary>
public sealed class Balance
{
    public long Amount { get; set; }

    public int Deposits { get; set; }
}

[ValueEntity<Accounts.AccountsBase>("account")]
public sealed class AccountEntity(BankEvents events) : ValueEntity<Balance>
{
    public async Task<Account> Deposit(DepositMoney command, CommandContext context)
    {
        await events.ArriveAsync(command, context);
        var balance = State;
        balance.Amount += command.Amount;
        balance.Deposits++;
        if (command.Behaviour == "mutate")
        {
            return Show();
        }

        Update(balance);
        context.ReplyMetadata.Add("x-deposits", $"{State.Deposits}");
        switch (command.Behaviour)
        {
            case "fail":
                context.Fail("Not today.");
                break;
            case "throw":
                throw new InvalidOperationException("secret");
            case "throw-status":
                throw new RpcException(new Status(StatusCode.OutOfRange, "Not today."));
        }

        var account = Show();
        foreach (var (name, value) in context.Metadata.DistinctBy(entry => entry.Key))
        {
            account.Metadata.Add(name, value);
        }

        return account;
    }

    public Account Get(GetAccount command) => Show();

    public Account Watch(WatchAccount command) => Show();

    public Account Close(CloseAccount command, CommandContext context)
    {
        context.Delete();
        return Show();
    }

    private Account Show() => new() { Balance = State.Amount, Deposits = Exists ? State.Deposits : -1 };
}

[JsonSerializable(typeof(Balance))]
[JsonSerializable(typeof(TransferNoted))]
internal sealed partial class BankJson : JsonSerializerContext;
