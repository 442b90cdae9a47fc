using System.Diagnostics.CodeAnalysis;

namespace CloudState.Knative.Faults.Checking;

/// <summary>What an object does when it is used by one caller at a time.</summary>
/// <typeparam name="TState">Immutable, compared by value.</typeparam>
/// <typeparam name="TOperation">An operation together with its result.</typeparam>
internal interface ISequentialModel<TState, TOperation>
    where TState : notnull
{
    TState Initial { get; }

    /// <summary>Whether the operation can have its result in this state, and the state after it.</summary>
    bool TryApply(TState state, TOperation operation, [MaybeNullWhen(false)] out TState next);
}
