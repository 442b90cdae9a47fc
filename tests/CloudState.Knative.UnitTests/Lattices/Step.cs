using CloudState.Knative.Lattices;
using CsCheck;

namespace CloudState.Knative.UnitTests.Lattices;

/// <summary>What happens in a <see cref="World"/>.</summary>
internal abstract record Step
{
    public static Gen<Step[]> Some(Kind kind) => Some(Act.Of(kind))[5, 45];

    public static GenArray<Step> Some(Gen<Act> acts)
    {
        var seats = Gen.Int[0, World.Seats - 1];
        return Gen.Frequency<Step>(
            (10, Gen.Select(seats, acts.Array[1, 3], Step (seat, acts) => new Write(seat, acts))),
            (10, Gen.Select(Gen.Int[0, 99], Gen.Bool, Step (pick, isTwice) => new Deliver(pick, isTwice))),
            (2, Gen.Int[0, 99].Select(Step (pick) => new Lose(pick))),
            (1, seats.Select(Step (seat) => new Isolate(seat))),
            (1, seats.Select(Step (seat) => new Replace(seat))),
            (1, Gen.Select(seats, seats, Step (seat, other) => new Join(seat, other)))).Array;
    }
}

/// <summary>Commands that are committed together.</summary>
internal sealed record Write(int Seat, Act[] Acts) : Step;

/// <param name="Pick">Which of the deltas that are under way, in any order.</param>
/// <param name="IsTwice">It stays under way.</param>
internal sealed record Deliver(int Pick, bool IsTwice) : Step;

internal sealed record Lose(int Pick) : Step;

/// <summary>No delta goes from or to the seat; or again, if none did.</summary>
internal sealed record Isolate(int Seat) : Step;

/// <summary>The member of a seat ends, and another takes the seat, with what is stored.</summary>
internal sealed record Replace(int Seat) : Step;

internal sealed record Join(int Seat, int Other) : Step;
