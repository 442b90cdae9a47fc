using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Bank;

[Action<Tellers.TellersBase>(Calls = [typeof(Accounts.AccountsBase)])]
public sealed class TellerAction(BankEvents events)
{
    public Account Pay(Payment payment, ActionContext context)
    {
        switch (payment.Behaviour)
        {
            case "effect":
            case "effect-fail":
                context.CallAndWait((Accounts.AccountsClient accounts) => accounts.DepositAsync(Deposit(payment)));
                if (payment.Behaviour == "effect-fail")
                {
                    context.Fail("Not today.", StatusCode.OutOfRange);
                }

                break;
            case "fail-swallow" or "fail-throw" or "fail-status":
                Reject(payment.Behaviour, context);
                break;
            case "detached":
                context.Call((Accounts.AccountsClient accounts) => accounts.DepositAsync(Deposit(payment)));
                break;
            case "throw":
                throw new InvalidOperationException("secret");
            default:
                context.ReplyFrom((Accounts.AccountsClient accounts) => accounts.DepositAsync(Deposit(payment)));
                break;
        }

        return new Account { Balance = -1 };
    }

    public async Task<Account> PayAll(IAsyncEnumerable<Payment> payments, ActionContext context)
    {
        var total = 0L;
        var account = "";
        await foreach (var payment in payments)
        {
            events.PaymentArrived();
            (account, total) = (payment.Account, total + payment.Amount);
        }

        context.ReplyFrom((Accounts.AccountsClient accounts) => accounts.DepositAsync(new DepositMoney { Account = account, Amount = total }));
        return null!;
    }

    public async IAsyncEnumerable<Account> PayTwice(Payment payment, ActionContext context)
    {
        yield return new Account { Balance = 1 };
        await events.GateAsync(context.CancellationToken);
        context.ReplyFrom((Accounts.AccountsClient accounts) => accounts.DepositAsync(Deposit(payment)));
        yield return null!;
        if (payment.Behaviour.StartsWith("fail", StringComparison.Ordinal))
        {
            Reject(payment.Behaviour, context);
            yield return new Account { Balance = -1 };
        }
    }

    public async IAsyncEnumerable<Account> PayEach(IAsyncEnumerable<Payment> payments, ActionContext context)
    {
        await foreach (var payment in payments)
        {
            context.CallAndWait((Accounts.AccountsClient accounts) => accounts.DepositAsync(Deposit(payment)));
            yield return new Account { Balance = payment.Amount };
        }
    }

    /// <summary>Rejects the call in one way or another, and then may not keep to it.</summary>
    private static void Reject(string behaviour, ActionContext context)
    {
        if (behaviour == "fail-status")
        {
            throw new RpcException(new Status(StatusCode.OutOfRange, "Not today."));
        }

        try
        {
            context.Fail("Not today.", StatusCode.OutOfRange);
        }
        catch (Exception) when (behaviour == "fail-swallow")
        {
        }
        catch (Exception) when (behaviour == "fail-throw")
        {
            throw new InvalidOperationException("secret");
        }
    }

    private static DepositMoney Deposit(Payment payment) => new() { Account = payment.Account, Amount = payment.Amount };
}
