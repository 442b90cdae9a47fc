using System.Collections.Immutable;
using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>What is there as long as it has a dot: an element's dots, an entry of a map.</summary>
internal interface IDots
{
    bool IsEmpty { get; }
}

/// <summary>Dots by elements or keys, of which none is there without dots.</summary>
internal static class KeyedDots
{
    public static void Replace<TDots>(this ImmutableSortedDictionary<ByteString, TDots>.Builder all, ByteString key, TDots dots)
        where TDots : IDots
    {
        if (dots.IsEmpty)
        {
            all.Remove(key);
        }
        else
        {
            all[key] = dots;
        }
    }

    public static ImmutableSortedDictionary<ByteString, TDots> Reset<TDots>(
        this ImmutableSortedDictionary<ByteString, TDots> all, Func<TDots, TDots> reset)
        where TDots : IDots
    {
        var left = all.ToBuilder();
        foreach (var (key, dots) in all)
        {
            left.Replace(key, reset(dots));
        }

        return left.ToImmutable();
    }

    /// <param name="mine">Of one state.</param>
    /// <param name="theirs">Of the other state.</param>
    /// <param name="empty">What has no dots.</param>
    /// <param name="join">Joins the dots of one key.</param>
    public static ImmutableSortedDictionary<ByteString, TDots> Join<TDots>(
        this ImmutableSortedDictionary<ByteString, TDots> mine,
        ImmutableSortedDictionary<ByteString, TDots> theirs,
        TDots empty,
        Func<TDots, TDots, TDots> join)
        where TDots : IDots
    {
        var joined = mine.ToBuilder();
        foreach (var (key, dots) in mine)
        {
            joined.Replace(key, join(dots, theirs.GetValueOrDefault(key, empty)));
        }

        foreach (var (key, dots) in theirs)
        {
            if (!mine.ContainsKey(key))
            {
                joined.Replace(key, join(empty, dots));
            }
        }

        return joined.ToImmutable();
    }
}
