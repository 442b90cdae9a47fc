namespace CloudState.Knative.Testing;

/// <summary>Runs the commands of one value entity. Checks that each state survives being stored. Made by <see cref="EntityTestKit"/>.</summary>
/// <inheritdoc cref="EntityTestKit{TState}"/>
public sealed class ValueTestKit<TState> : EntityTestKit<TState>
    where TState : class, new()
{
    internal ValueTestKit(EntityUnderTest entity, string? key)
        : base(entity, key)
    {
    }

    /// <summary>Makes this the stored state.</summary>
    /// <exception cref="TestKitException">The state does not survive being stored.</exception>
    public ValueTestKit<TState> GivenState(TState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Store.Put("state", state);
        Reload();
        return this;
    }

    private protected override TState ReadState(Entity instance) => Store.Read().Snapshot?.State as TState ?? new TState();
}
