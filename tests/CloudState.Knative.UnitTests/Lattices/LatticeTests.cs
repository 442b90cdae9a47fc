using CloudState.Knative.Lattices;
using CsCheck;

namespace CloudState.Knative.UnitTests.Lattices;

/// <summary>
/// Random schedules of replicas, each state of which is what the specification of its type says (<see cref="World"/>), and the laws of a lattice for the
/// states that come about. A failure prints the seed (<c>CsCheck_Seed</c>) that repeats it.
/// </summary>
public sealed class LatticeTests
{
    private const int Schedules = 400;

    public static TheoryData<int> Kinds => [.. Enum.GetValues<Kind>().Select(kind => (int)kind)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Replicas_AreAsSpecified_AndConverge(int kind) => Sample(kind, (world, _) =>
    {
        world.Settle();

        Assert.All(world.States, state => AssertSame(world.Whole, state));
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Join_IsCommutativeAssociativeIdempotent(int kind) => Sample(kind, (world, pick) =>
    {
        var (a, b, c) = (pick(), pick(), pick());

        AssertSame(a, a.Join(a));
        AssertSame(a.Join(b), b.Join(a));
        AssertSame(a.Join(b).Join(c), a.Join(b.Join(c)));
        AssertSame(a.Join(b), a.Join(b).Join(b));
        AssertSame(a, a.Join(LatticeState.Empty((Kind)kind)));
        AssertSame(world.Whole, world.Past.Aggregate(LatticeState.Empty((Kind)kind), (joined, state) => joined.Join(state)));
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Apply_IsTheJoinWithTheStateOfTheAuthor(int kind) => Sample(kind, (world, pick) =>
    {
        foreach (var (before, delta, after) in world.Stored)
        {
            var state = pick().Join(before);

            AssertSame(state.Join(after), state.Apply(delta));
            AssertSame(state.Apply(delta), state.Apply(delta).Apply(delta));
            AssertSame(after, before.Apply(delta));
        }
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bytes_AreThoseOfTheState_HoweverItCameAbout(int kind) => Sample(kind, (world, pick) =>
    {
        var (a, b) = (pick(), pick());

        AssertSame(a, LatticeBytes.ReadState(LatticeBytes.Write(a)));
        AssertSame(a.Join(b), LatticeBytes.ReadState(LatticeBytes.Write(b)).Join(LatticeBytes.ReadState(LatticeBytes.Write(a))));
        foreach (var (_, delta, _) in world.Stored)
        {
            Assert.Equal(LatticeBytes.Write(delta), LatticeBytes.Write(LatticeBytes.ReadDelta(LatticeBytes.Write(delta))));
        }
    });

    private static void Sample(int kind, Action<World, Func<LatticeState>> check) => Gen.Select(Step.Some((Kind)kind), Gen.Int[0, 9999].Array[60]).Sample(
        (steps, picks) =>
        {
            var (world, next) = (new World((Kind)kind, steps), 0);
            check(world, () => world.Past.Count == 0 ? world.Whole : world.Past[picks[next++ % picks.Length] % world.Past.Count]);
        },
        iter: Schedules);

    private static void AssertSame(LatticeState expected, LatticeState actual) => Assert.Equal(LatticeBytes.Write(expected), LatticeBytes.Write(actual));
}
