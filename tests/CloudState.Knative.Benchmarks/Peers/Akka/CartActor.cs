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

    private Cart _cart = Cart.Empty;

    public CartActor(string user)
    {
        PersistenceId = $"cart-{user}";
        Recover<SnapshotOffer>(offer => _cart = (Cart)offer.Snapshot);
        Recover<ItemAdded>(Apply);
        Command<GetCart>(_ => Sender.Tell(_cart));
        Command<AddItem>(command => Persist(new ItemAdded(command.Item), added =>
        {
            Apply(added);
            Sender.Tell(Done.It);
            if (LastSequenceNr % SnapshotEvery == 0)
            {
                SaveSnapshot(_cart);
            }
        }));
        Command<SaveSnapshotSuccess>(_ => { });
    }

    public override string PersistenceId { get; }

    private void Apply(ItemAdded added) => _cart = _cart.With(added.Item);
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
