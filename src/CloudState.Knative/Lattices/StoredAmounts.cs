using Google.Protobuf.Collections;

namespace CloudState.Knative.Lattices;

/// <summary>Amounts as bytes. A GCounter has no decrements.</summary>
internal static class StoredAmounts
{
    public static void Write(Kind kind, RepeatedField<ulong> plus, RepeatedField<ulong> minus, Amount amount)
    {
        plus.Add(amount.Plus);
        if (kind == Kind.PNCounter)
        {
            minus.Add(amount.Minus);
        }
    }

    public static Amount Read(Kind kind, RepeatedField<ulong> plus, RepeatedField<ulong> minus, int index) =>
        new(plus[index], kind == Kind.PNCounter ? minus[index] : 0);

    public static void Check(Kind kind, int count, RepeatedField<ulong> plus, RepeatedField<ulong> minus) => Refusal.Unless(
        plus.Count == count && minus.Count == (kind == Kind.PNCounter ? count : 0), "a counter has not as many amounts as dots");
}
