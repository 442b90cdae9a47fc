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

    /// <summary>A copy that a handler has changed and left is not stored, although the reply that is made of it looks right.</summary>
    private protected override void CheckHandled(string handlerName, Entity inMemory)
    {
        var entity = (ValueEntity<TState>)inMemory;
        var stored = entity.Stored ?? new TState();
        if (entity.LeftCopy is { } left && !StoredForm.AreSame(Entity.Types.Of(left), left, stored))
        {
            throw new TestKitException(
                $"""
                {handlerName} has changed the state, but has not called Update after that: the change is lost.
                  Changed: {Entity.Types.ToJsonText(left)}
                  Stored:  {Entity.Types.ToJsonText(stored)}
                Call Update with the new state, or change a copy of your own.
                """);
        }
    }

    private protected override TState ReadState(Entity instance) => Store.Read().Snapshot?.State as TState ?? new TState();
}
