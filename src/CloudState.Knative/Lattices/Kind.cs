namespace CloudState.Knative.Lattices;

/// <summary>The types of replicated values. The numbers are stored; where a map's entry has two kinds, the lowest is shown.</summary>
internal enum Kind
{
    GCounter = 1,
    PNCounter = 2,
    GSet = 3,
    ORSet = 4,
    LwwRegister = 5,
    Flag = 6,
    OrMap = 7,
    Vote = 8,
}
