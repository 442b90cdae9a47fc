namespace CloudState.Knative.Faults.Events;

/// <summary>What has arrived at the sink.</summary>
internal sealed class Arrivals
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Passed> _byId = [];
    private readonly Dictionary<string, List<Passed>> _first = [];
    private int _repeated;
    private int _changed;

    /// <summary>How many different events have arrived.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _byId.Count;
            }
        }
    }

    /// <summary>How often an event has arrived that was there already.</summary>
    public int Repeated => Volatile.Read(ref _repeated);

    /// <summary>How often an id has come with other data than before.</summary>
    public int Changed => Volatile.Read(ref _changed);

    public void Add(string id, Passed passed)
    {
        lock (_lock)
        {
            if (_byId.TryAdd(id, passed))
            {
                if (!_first.TryGetValue(passed.Key, out var ofKey))
                {
                    _first.Add(passed.Key, ofKey = []);
                }

                ofKey.Add(passed);
                return;
            }

            _repeated++;
            _changed += _byId[id].Equals(passed) ? 0 : 1;
        }
    }

    /// <summary>The events of one entity by the order in which they were there for the first time. One that comes with two ids is there twice.</summary>
    public IReadOnlyList<Passed> Of(string key)
    {
        lock (_lock)
        {
            return _first.TryGetValue(key, out var ofKey) ? [.. ofKey] : [];
        }
    }
}
