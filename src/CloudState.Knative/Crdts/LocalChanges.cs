using CloudState.Knative.Lattices;

namespace CloudState.Knative.Crdts;

/// <summary>
/// What commands at <see cref="CrdtLevel.Local"/> have changed of one entity and the store does not have yet, in order. It stays when the state in memory is discarded, and goes into
/// the one that is loaded then. Safe for several threads.
/// </summary>
internal sealed class LocalChanges
{
    private readonly Lock _lock = new();
    private readonly List<(long Epoch, LatticeDelta Delta)> _deltas = [];

    // So many of them are on their way to the store.
    private int _handedOver;
    private bool _isOpen;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _deltas.Count;
            }
        }
    }

    /// <summary>Whether there are some that are not on their way to the store.</summary>
    public bool AnyWaiting
    {
        get
        {
            lock (_lock)
            {
                return _deltas.Count > _handedOver;
            }
        }
    }

    /// <summary>The delta that the next command may be a part of; null if it starts another one.</summary>
    public LatticeDelta? Open
    {
        get
        {
            lock (_lock)
            {
                return _isOpen ? _deltas[^1].Delta : null;
            }
        }
    }

    /// <summary>Adds what a command has changed, as a part of the open delta if it has the same dot.</summary>
    public void Add(long epoch, LatticeDelta delta)
    {
        lock (_lock)
        {
            if (_isOpen && _deltas[^1].Delta.Stamp.Dot == delta.Stamp.Dot)
            {
                _deltas[^1] = (epoch, _deltas[^1].Delta.Compose(delta));
            }
            else
            {
                _deltas.Add((epoch, delta));
            }

            _isOpen = true;
        }
    }

    /// <summary>Starts another delta: something has changed since that this one has not seen.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isOpen = false;
        }
    }

    /// <summary>What is to be stored now.</summary>
    public IReadOnlyList<LatticeDelta> HandOver()
    {
        lock (_lock)
        {
            LatticeDelta[] waiting = [.. _deltas.Skip(_handedOver).Select(entry => entry.Delta)];
            (_handedOver, _isOpen) = (_deltas.Count, false);
            return waiting;
        }
    }

    /// <summary>Removes what is stored, and what was changed before the entity was deleted.</summary>
    /// <param name="epoch">Of the stored value.</param>
    /// <param name="number">Of the last delta of this process in it.</param>
    public void Stored(long epoch, long number) => Remove(entry => entry.Epoch < epoch || (entry.Epoch == epoch && entry.Delta.Stamp.Dot.Number <= number));

    /// <summary>What the state that was loaded does not have. All of it is to be stored again.</summary>
    public IReadOnlyList<LatticeDelta> Missing(long epoch, LatticeState loaded)
    {
        Remove(entry => entry.Epoch < epoch || loaded.Context.Contains(entry.Delta.Stamp.Dot));
        lock (_lock)
        {
            (_handedOver, _isOpen) = (0, false);
            return [.. _deltas.Select(entry => entry.Delta)];
        }
    }

    private void Remove(Predicate<(long Epoch, LatticeDelta Delta)> isDone)
    {
        lock (_lock)
        {
            var done = _deltas.TakeWhile(entry => isDone(entry)).Count();
            _deltas.RemoveRange(0, done);
            _handedOver = Math.Max(_handedOver - done, 0);
            _isOpen &= _deltas.Count > 0;
        }
    }
}
