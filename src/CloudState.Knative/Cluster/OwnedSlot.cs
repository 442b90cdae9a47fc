using CloudState.Knative.Storage;

namespace CloudState.Knative.Cluster;

/// <summary>
/// A slot from its claim to its release. Commands enter and leave it; once it is being drained no command enters any more.
/// A slot that is claimed again is another <see cref="OwnedSlot"/>, so that nothing in memory outlives the ownership it came from.
/// </summary>
internal sealed class OwnedSlot(Slot slot, Tenure tenure)
{
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // How many commands are inside; with the sign bit set once the slot is being drained.
    private long _inside;

    public Slot Slot { get; } = slot;

    public int Number => Slot.Number;

    public Tenure Tenure { get; } = tenure;

    /// <summary>Whether what is in memory is certainly the latest state. Holds for those inside, even while the slot is being drained.</summary>
    public bool IsHeld => Tenure.IsValid;

    public bool IsDraining => Volatile.Read(ref _inside) < 0;

    /// <summary>Completes when the slot is being drained and the last command has left.</summary>
    public Task Drained => _drained.Task;

    /// <summary>True once no command can enter again and none is inside: what is in memory of the slot is of no use.</summary>
    public bool IsOver => Tenure.IsOver || Drained.IsCompleted;

    public bool TryEnter()
    {
        if (!IsHeld)
        {
            return false;
        }

        if (Interlocked.Increment(ref _inside) > 0)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _inside) == long.MinValue)
        {
            _drained.TrySetResult();
        }
    }

    public void StartDraining()
    {
        if (Interlocked.Or(ref _inside, long.MinValue) == 0)
        {
            _drained.TrySetResult();
        }
    }
}
