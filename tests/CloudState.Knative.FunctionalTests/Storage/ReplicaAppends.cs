using System.Text;
using CloudState.Knative.Storage;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>Changes of replicated values whose deltas and states are texts.</summary>
internal static class ReplicaAppends
{
    /// <summary>Deltas of one seat.</summary>
    /// <param name="key">The entity.</param>
    /// <param name="seat">Of the replica.</param>
    /// <param name="texts">The deltas, separated by commas.</param>
    /// <param name="after">How many the seat has stored before.</param>
    /// <param name="epoch">Of the value.</param>
    public static EntityAppend Adds(EntityId key, int seat, string texts, long after = 0, long epoch = 0) => new(key, new ReplicaChange(0, 1, epoch)
    {
        Deltas = [.. texts.Split(',').Select(text => new ReplicaDelta(seat, ++after, Encoding.UTF8.GetBytes(text)))],
    });

    public static EntityAppend Deletes(EntityId key, long epoch = 0, int times = 1) => new(key, new ReplicaChange(0, times, epoch) { Deletions = times });

    public static EntityAppend Folds(EntityId key, string state, long epoch, params (int Seat, long Number)[] context) =>
        new(key, new ReplicaChange(1, 1, epoch) { Folded = Fold(state, context) });

    public static FoldedReplica Fold(string state, params (int Seat, long Number)[] context) => new(
        [.. context.Select(seat => seat.Seat)], [.. context.Select(seat => seat.Number)], Encoding.UTF8.GetBytes(state), Encoding.UTF8.GetBytes($$"""{"text": "{{state}}"}"""));

    public static EntityAppend With(EntityAppend append, Func<ReplicaChange, ReplicaChange> change) => append with { State = change((ReplicaChange)append.State) };

    /// <summary>The folded value, if there is one, behind an equals sign; then the deltas.</summary>
    public static string[] TextsOf(StoredReplica replica) =>
        [.. replica.State is { } state ? ["=" + Encoding.UTF8.GetString(state)] : Array.Empty<string>(), .. replica.Deltas.Select(Encoding.UTF8.GetString)];
}
