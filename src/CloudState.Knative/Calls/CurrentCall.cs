namespace CloudState.Knative.Calls;

/// <summary>The call of an action whose handler runs: what the handler calls and awaits belongs to it, also through objects of the container.</summary>
/// <param name="Scope">The call.</param>
/// <param name="Ids">The ids of what it calls.</param>
internal sealed record CurrentCall(CallScope Scope, CallIds Ids)
{
    private static readonly AsyncLocal<CurrentCall?> Local = new();

    /// <summary>Stands for the command of an entity, whose handler must not wait for another rpc of the service.</summary>
    public static CurrentCall OfEntity { get; } = new(new CallScope(), new CallIds(commandId: null));

    /// <summary>Null outside of actions and entities. A change ends with the asynchronous method that makes it.</summary>
    public static CurrentCall? Value
    {
        get => Local.Value;
        set => Local.Value = value;
    }
}
