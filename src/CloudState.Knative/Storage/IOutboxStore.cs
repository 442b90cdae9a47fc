using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>What commands have asked to be delivered, stored with them by <see cref="IEntityStore.AppendAsync"/>, until it is removed.</summary>
internal interface IOutboxStore
{
    /// <summary>What was asked for by entities of these slots, in order.</summary>
    Task<IReadOnlyList<OutboxEntry>> ReadAsync(IReadOnlyCollection<Slot> slots, CancellationToken cancellationToken);

    /// <summary>Removes what need not be delivered any more.</summary>
    Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);
}

/// <summary>A call of an rpc that a command has asked for, or an event to publish.</summary>
/// <param name="Id">Made up once, so that it takes effect once however often it is delivered.</param>
/// <param name="Origin">The entity whose command asked for it.</param>
/// <param name="SlotNumber">The slot of that entity: its owner delivers it.</param>
/// <param name="Method">The full name of the rpc that is called, or whose reply is published, <c>package.Service/Method</c>.</param>
/// <param name="Content">The call or the event, serialized.</param>
internal sealed record OutboxEntry(Guid Id, EntityId Origin, int SlotNumber, string Method, ByteString Content)
{
    public Slot Slot => new(Origin.Type, SlotNumber);

    /// <summary>The command id of the call.</summary>
    public string CommandId => CommandIdOf(Id);

    public static string CommandIdOf(Guid id) => id.ToString("N");
}
