using CloudState.Knative.FunctionalTests.Bank;

// What the READMEs show of kinds that the samples do not have.
namespace CloudState.Knative.FunctionalTests.Documentation;

[ValueEntity<Accounts.AccountsBase>("account")]
public sealed class SavingsAccount : ValueEntity<Balance>
{
    public Account Deposit(DepositMoney command)
    {
        var balance = State;
        balance.Amount += command.Amount;
        Update(balance);
        return new Account { Balance = balance.Amount };
    }

    public Account Close(CloseAccount command, CommandContext context)
    {
        context.Delete();
        return new Account();
    }

    public Account Get(GetAccount command) => new() { Balance = State.Amount };

    public Account Watch(WatchAccount command) => new() { Balance = State.Amount };
}

[EventSourcedEntity<Transfers.TransfersBase>("transfer")]
public sealed class ModelTransfer : EventSourcedEntity<TransferState>
{
    public Account Transfer(TransferMoney command, CommandContext context)
    {
        foreach (var account in command.To)
        {
            context.Emit(new TransferNoted(account));
            context.Call((Accounts.AccountsClient accounts) => accounts.DepositAsync(new DepositMoney { Account = account, Amount = command.Amount }));
        }

        return new Account();
    }

    public TransferState Get(GetTransfer command) => State;

    public void Apply(TransferNoted noted) => State.Notes.Add(noted.Text);
}

[Action<Tellers.TellersBase>]
public sealed class ModelTeller
{
    public Account Pay(Payment payment, ActionContext context)
    {
        context.ReplyFrom((Accounts.AccountsClient accounts) => accounts.DepositAsync(new DepositMoney { Account = payment.Account, Amount = payment.Amount }));
        return new Account();
    }

    public async IAsyncEnumerable<Account> PayEach(IAsyncEnumerable<Payment> payments, ActionContext context)
    {
        await foreach (var payment in payments)
        {
            context.CallAndWait((Accounts.AccountsClient accounts) => accounts.DepositAsync(new DepositMoney { Account = payment.Account, Amount = payment.Amount }));
            yield return new Account { Balance = payment.Amount };
        }
    }

    public async Task<Account> PayAll(IAsyncEnumerable<Payment> payments, ActionContext context) => new() { Balance = await payments.Select(payment => payment.Amount).SumAsync(context.CancellationToken) };

    public async IAsyncEnumerable<Account> PayTwice(Payment payment)
    {
        yield return new Account { Balance = payment.Amount };
        await Task.Yield();
        yield return new Account { Balance = payment.Amount };
    }
}
