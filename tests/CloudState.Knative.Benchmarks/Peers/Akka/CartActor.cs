using System.Text.Json;
using Akka.Actor;
using Akka.Persistence;
using Akka.Serialization;

namespace Peers;

public abstract record CartMessage(string User);

public sealed record AddItem(string User, Item Item) : CartMessage(User);

public sealed record GetCart(string User) : CartMessage(User);

public sealed record ItemAdded(Item Item);

public sealed class CartActor : ReceivePersistentActor
{
    private const int SnapshotEvery = 100;

    private Cart _stored = Cart.Empty;

    // With the events that are on their way to the journal: what commands are decided by.
    private Cart _changed = Cart.Empty;

    public CartActor(string user)
    {
        PersistenceId = $"cart-{user}";
        Recover<SnapshotOffer>(offer => _stored = _changed = (Cart)offer.Snapshot);
        Recover<ItemAdded>(added => _stored = _changed = _changed.With(added.Item));
        Command<GetCart>(_ => Sender.Tell(_stored));
        Command<AddItem>(Add);
        Command<SaveSnapshotSuccess>(_ => { });
    }

    public override string PersistenceId { get; }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        // Later events may build on this one.
        base.OnPersistRejected(cause, @event, sequenceNr);
        Context.Stop(Self);
    }

    // Commands do not wait until the events of those before are stored: the journal gets all that have come meanwhile at once.
    private void Add(AddItem command)
    {
        var changed = _changed = _changed.With(command.Item);
        PersistAsync(new ItemAdded(command.Item), _ =>
        {
            _stored = changed;
            Sender.Tell(Done.It);
            if (LastSequenceNr % SnapshotEvery == 0)
            {
                SaveSnapshot(_stored);
            }
        });
    }
}

/// <summary>Compact JSON, with generated code.</summary>
public sealed class CartSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public override int Identifier => 1001;

    public override string Manifest(object stored) => stored is ItemAdded ? "added" : "cart";

    public override byte[] ToBinary(object stored) => stored is ItemAdded added
        ? JsonSerializer.SerializeToUtf8Bytes(added.Item, EdgeJson.Default.Item)
        : JsonSerializer.SerializeToUtf8Bytes((Cart)stored, EdgeJson.Default.Cart);

    public override object FromBinary(byte[] bytes, string manifest) => manifest == "added"
        ? new ItemAdded(JsonSerializer.Deserialize(bytes, EdgeJson.Default.Item)!)
        : JsonSerializer.Deserialize(bytes, EdgeJson.Default.Cart)!;
}
