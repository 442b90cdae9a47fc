using System.Diagnostics;

namespace CloudState.Knative.Faults.Load;

/// <summary>One cart and everything that was done to it, as long as it is not verified.</summary>
internal sealed class KeyHistory(string key, int maxItems, TimeSpan maxAge)
{
    private readonly List<Operation> _operations = [];
    private readonly long _born = Stopwatch.GetTimestamp();
    private int _items;
    private int _inFlight;

    public string Key { get; } = key;

    /// <summary>Whether the cart has become large or old enough: nobody begins anything new on it.</summary>
    public bool IsRetired { get; private set; }

    public bool IsComplete => IsRetired && _inFlight == 0;

    /// <summary>In the order in which they were begun. Only of a complete history.</summary>
    public IReadOnlyList<Operation> Operations => _operations;

    public Operation Begin(OperationKind kind, int client, string protocol)
    {
        var operation = new Operation(Key, kind, client, protocol) { Item = kind == OperationKind.Write ? ++_items : 0 };
        _operations.Add(operation);
        _inFlight++;
        return operation;
    }

    public void End()
    {
        _inFlight--;
        IsRetired |= _items >= maxItems || Stopwatch.GetElapsedTime(_born) > maxAge;
    }

    public void Retire() => IsRetired = true;
}
