namespace CloudState.Knative.Faults.Load;

/// <summary>The few keys that are in use. A retired key makes room for a new one, and its complete history is handed over.</summary>
internal sealed class LiveKeys
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(40);

    private readonly Lock _lock = new();
    private readonly Random _random;
    private readonly KeyHistory[] _live;
    private readonly Dictionary<string, KeyHistory> _unfinished = [];
    private readonly Action<KeyHistory> _completed;
    private readonly string _prefix;
    private int _created;

    public LiveKeys(RunOptions options, Action<KeyHistory> completed)
    {
        _random = new Random(options.Seed);
        _prefix = $"s{options.Seed}";
        _completed = completed;
        _live = [.. Enumerable.Range(0, options.Keys).Select(_ => Create())];
    }

    public Operation Begin(OperationKind kind, int client, string protocol)
    {
        lock (_lock)
        {
            return _live[_random.Next(_live.Length)].Begin(kind, client, protocol);
        }
    }

    public void End(Operation operation)
    {
        KeyHistory history;
        lock (_lock)
        {
            history = _unfinished[operation.Key];
            history.End();
            if (history.IsRetired && Array.IndexOf(_live, history) is >= 0 and var place)
            {
                _live[place] = Create();
            }

            if (!history.IsComplete)
            {
                return;
            }

            _unfinished.Remove(history.Key);
        }

        _completed(history);
    }

    /// <summary>Hands over what is left, after the last operation.</summary>
    public void RetireAll()
    {
        foreach (var history in _unfinished.Values)
        {
            history.Retire();
            _completed(history);
        }
    }

    /// <summary>Carts of different sizes: some live through several faults, some have snapshots.</summary>
    private KeyHistory Create()
    {
        var history = new KeyHistory($"{_prefix}-{++_created}", _random.Next(40, 220), MaxAge);
        return _unfinished[history.Key] = history;
    }
}
