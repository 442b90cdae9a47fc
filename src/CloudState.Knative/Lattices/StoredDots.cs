using Google.Protobuf.Collections;

namespace CloudState.Knative.Lattices;

/// <summary>Dots as bytes: seats and numbers, by turns, in order.</summary>
internal static class StoredDots
{
    public static void Write<TValue>(RepeatedField<ulong> stored, DotMap<TValue> dots)
    {
        foreach (var (dot, _) in dots.Pairs)
        {
            Write(stored, dot);
        }
    }

    public static void Write(RepeatedField<ulong> stored, Context context, int? without = null)
    {
        foreach (var dot in context.Highest)
        {
            if (dot.Seat != without)
            {
                Write(stored, dot);
            }
        }
    }

    public static DotMap<TValue> Read<TValue>(RepeatedField<ulong> stored, Context context, Func<int, TValue> read)
    {
        var dots = default(DotMap<TValue>);
        foreach (var dot in Read(stored))
        {
            Refusal.Unless(context.Contains(dot), "a dot is not in the context");
            dots = dots.With(dot, read(dots.Pairs.Length));
        }

        Refusal.Unless(!dots.IsEmpty, "there are no dots");
        return dots;
    }

    public static Context ReadContext(RepeatedField<ulong> stored)
    {
        var context = Context.Empty;
        foreach (var dot in Read(stored))
        {
            Refusal.Unless(context[dot.Seat] == 0, "a seat is twice in a context");
            context = context.UpTo(dot);
        }

        return context;
    }

    public static Dot ReadDot(ulong seat, ulong number)
    {
        Refusal.Unless(seat <= int.MaxValue && number is > 0 and <= long.MaxValue, $"{seat}.{number} is no dot");
        return new((int)seat, (long)number);
    }

    private static void Write(RepeatedField<ulong> stored, Dot dot)
    {
        stored.Add((ulong)dot.Seat);
        stored.Add((ulong)dot.Number);
    }

    private static IEnumerable<Dot> Read(RepeatedField<ulong> stored)
    {
        Refusal.Unless(stored.Count % 2 == 0, "a seat has no number");
        var last = default(Dot);
        for (var index = 0; index < stored.Count; index += 2)
        {
            var dot = ReadDot(stored[index], stored[index + 1]);
            Refusal.Unless(dot.CompareTo(last) > 0, "dots are not in order");
            yield return last = dot;
        }
    }
}
