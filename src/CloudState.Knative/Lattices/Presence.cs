namespace CloudState.Knative.Lattices;

/// <summary>The value of dots that say no more than that something is there: a flag is on, an element is in a set, an entry is in a map.</summary>
internal readonly record struct Presence;

internal static class PresenceExtensions
{
    /// <summary>
    /// There because of this delta, whatever becomes of the dots that its author had seen: an addition survives every removal that has not seen it.
    /// </summary>
    public static DotMap<Presence> Renew(this DotMap<Presence> dots, Stamp stamp) => dots.Without(stamp).With(stamp.Dot, default);

    public static DotMap<Presence> Join(this DotMap<Presence> dots, DotMap<Presence> other, Context mine, Context theirs) =>
        dots.Join(other, mine, theirs, static (present, _) => present);
}
