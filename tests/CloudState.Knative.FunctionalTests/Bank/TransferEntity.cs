using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Bank;

/// <summary>An event that is stored as JSON.</summary>
public sealed record TransferNoted(string Text);

[EventSourcedEntity<Transfers.TransfersBase>("transfer")]
public sealed class TransferEntity : EventSourcedEntity<TransferState>
{
    public Account Transfer(TransferMoney command, CommandContext context)
    {
        foreach (var account in command.To)
        {
            context.Emit(new TransferNoted(account));
            context.Emit(command.Amount);
            var deposit = new DepositMoney { Account = account, Amount = command.Amount, Behaviour = command.Behaviour };
            if (command.Synchronous)
            {
                context.CallAndWait((Accounts.AccountsClient accounts) => accounts.DepositAsync(deposit, new Metadata { { "x-transfer", command.Transfer } }));
            }
            else
            {
                context.Call((Accounts.AccountsClient accounts) => accounts.DepositAsync(deposit, new Metadata { { "x-transfer", command.Transfer } }));
            }
        }

        if (command.ForwardTo.Length > 0)
        {
            context.ReplyFrom((Accounts.AccountsClient accounts) => accounts.DepositAsync(new DepositMoney { Account = command.ForwardTo, Amount = command.Amount }));
        }

        switch (command.Behaviour)
        {
            case "fail-transfer":
                context.Fail("Not today.");
                break;
            case "delete":
                context.Delete();
                break;
            case "loop":
                context.ReplyFrom((Transfers.TransfersClient transfers) => transfers.TransferAsync(command));
                break;
            case "unknown":
                context.Call((Probes.Probe.ProbeClient probes) => probes.AddAsync(new Probes.AddAmount()));
                break;
            case "wrong-reply":
                context.ReplyFrom((Transfers.TransfersClient transfers) => transfers.GetAsync(new GetTransfer { Transfer = "t" }));
                break;
        }

        return new Account { Balance = State.Total };
    }

    public TransferState Get(GetTransfer command) => State;

    public void Apply(TransferNoted noted) => State.Notes.Add(noted.Text);

    public void Apply(long amount) => State.Total += amount;
}
