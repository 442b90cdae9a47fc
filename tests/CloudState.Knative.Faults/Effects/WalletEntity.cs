using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Faults.Effects;

[EventSourcedEntity<Wallets.WalletsBase>("wallet")]
public sealed class WalletEntity : EventSourcedEntity<Wallet>
{
    public Empty Send(Sending command, CommandContext context)
    {
        context.Emit(new Sent { Number = command.Number });
        context.Call((Wallets.WalletsClient wallets) => wallets.ReceiveAsync(new Receipt { Wallet = command.To, Number = command.Number }));
        return new Empty();
    }

    public Empty Receive(Receipt command, CommandContext context)
    {
        context.Emit(new Received { Number = command.Number });
        return new Empty();
    }

    public Wallet Watch(Question command) => State;

    public void Apply(Sent sent) => State.Sent.Add(sent.Number);

    public void Apply(Received received) => State.Received.Add(received.Number);
}
