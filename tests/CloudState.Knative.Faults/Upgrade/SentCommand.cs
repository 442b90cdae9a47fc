namespace CloudState.Knative.Faults.Upgrade;

internal enum CommandEdge
{
    Rest,
    Grpc,
    CloudEvent,
}

internal enum CommandOutcome
{
    /// <summary>Was executed, or was not, or will be: nobody knows.</summary>
    Unknown,

    Done,

    /// <summary>The handler said no. That, too, is remembered under the command id.</summary>
    Rejected,
}

/// <summary>A command that has an id, and what its client knows of it.</summary>
internal sealed class SentCommand(string cart, int item, bool isRemoval, CommandEdge edge, string id)
{
    public string Cart { get; } = cart;

    public int Item { get; } = item;

    /// <summary>Whether the item is taken out of the cart, not put in.</summary>
    public bool IsRemoval { get; } = isRemoval;

    public CommandEdge Edge { get; } = edge;

    /// <summary>The Idempotency-Key, or the id of the CloudEvent.</summary>
    public string Id { get; } = id;

    public CommandOutcome Outcome { get; set; }

    public override string ToString() => $"{(IsRemoval ? "removal" : "addition")} of item {Item} of {Cart} ({Edge}, '{Id}')";
}
