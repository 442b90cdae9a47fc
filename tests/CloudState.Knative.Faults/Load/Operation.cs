namespace CloudState.Knative.Faults.Load;

internal enum OperationKind
{
    Write,
    Read,
}

internal enum Outcome
{
    /// <summary>Still going on.</summary>
    Pending,

    /// <summary>Answered with success.</summary>
    Ok,

    /// <summary>A write that may have been executed, or may be executed later, or never.</summary>
    Unknown,

    /// <summary>A read without a result, or a write that no pod has ever received.</summary>
    Failed,
}

/// <summary>What one client did to one key, with all its attempts. Times are <see cref="System.Diagnostics.Stopwatch"/> timestamps.</summary>
internal sealed class Operation(string key, OperationKind kind, int client, string protocol)
{
    public string Key { get; } = key;

    public OperationKind Kind { get; } = kind;

    public int Client { get; } = client;

    public string Protocol { get; } = protocol;

    /// <summary>The item that a write adds, unique per key.</summary>
    public int Item { get; init; }

    /// <summary>The items that a read has seen, in the order of the cart; an item with quantity 2 is there twice.</summary>
    public IReadOnlyList<int> Items { get; set; } = [];

    /// <summary>When the first attempt began: what the user waits from.</summary>
    public long Started { get; set; }

    /// <summary>From when on the operation may have taken effect: the first attempt of a write that may have been executed, the last one of a read.</summary>
    public long Invoked { get; set; }

    public long Completed { get; set; }

    public Outcome Outcome { get; set; }

    /// <summary>Pods and answers, such as <c>pod-1: no answer, pod-3: ok</c>.</summary>
    public string Attempts { get; set; } = "";
}
