using Google.Protobuf;

namespace CloudState.Knative.Storage;

/// <summary>The timers of entities, set and cancelled by <see cref="IEntityStore.AppendAsync"/>.</summary>
internal interface ITimerStore
{
    /// <summary>The timers of entities of these slots.</summary>
    /// <param name="slots">The slots.</param>
    /// <param name="before">Timers that are due later are not read.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<ComingTimers> ReadAsync(IReadOnlyCollection<Slot> slots, DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>Removes timers that have fired, unless they were set anew meanwhile.</summary>
    Task RemoveAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);
}

/// <summary>The timers of some slots.</summary>
/// <param name="Due">Those that are due before a time, the earliest first.</param>
/// <param name="Next">When the first of the others is due; null when there is none.</param>
internal sealed record ComingTimers(IReadOnlyList<StoredTimer> Due, DateTimeOffset? Next);

/// <summary>A call of an rpc that is to be made at a time.</summary>
/// <param name="Id">Made up each time that the timer is set, so that it fires once by effect.</param>
/// <param name="Origin">The entity whose timer it is.</param>
/// <param name="SlotNumber">The slot of that entity: its owner makes the call.</param>
/// <param name="Name">Tells the timer from the others of the entity.</param>
/// <param name="DueAt">When the call is to be made, with microsecond precision.</param>
/// <param name="Method">The full name of the rpc, <c>package.Service/Method</c>.</param>
/// <param name="Call">The call, serialized.</param>
internal sealed record StoredTimer(Guid Id, EntityId Origin, int SlotNumber, string Name, DateTimeOffset DueAt, string Method, ByteString Call)
{
    public Slot Slot => new(Origin.Type, SlotNumber);
}

/// <summary>What a command does to a timer.</summary>
/// <param name="Name">The timer.</param>
/// <param name="Timer">What takes the place of the one that there is; null to cancel it.</param>
internal sealed record TimerChange(string Name, StoredTimer? Timer);
