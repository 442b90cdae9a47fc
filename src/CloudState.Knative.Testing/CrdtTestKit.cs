using CloudState.Knative.Crdts;
using CloudState.Knative.Lattices;
using CloudState.Knative.Replicated;

namespace CloudState.Knative.Testing;

/// <summary>Runs the commands of one CRDT entity, on one replica. Made by <see cref="EntityTestKit"/>.</summary>
/// <inheritdoc cref="EntityTestKit{TState}"/>
public sealed class CrdtTestKit<TState> : EntityTestKit<TState>
    where TState : Crdt, new()
{
    internal CrdtTestKit(EntityUnderTest entity, string? key)
        : base(entity, key)
    {
    }

    /// <summary>Makes this the stored state.</summary>
    /// <param name="state">A value of the test's own, for example <c>new GSet&lt;string&gt;()</c> to which it has added what should be there.</param>
    /// <exception cref="ArgumentException">The state is that of an entity.</exception>
    public CrdtTestKit<TState> GivenState(TState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var local = state.Site as LocalSite ?? throw new ArgumentException("The state belongs to an entity. Give one that the test has made with new.", nameof(state));
        Store.Put(LatticeBytes.Write(local.State));
        Reload();
        return this;
    }

    private protected override TState ReadState(Entity instance) => (TState)((ICrdtEntity)instance).State;
}
