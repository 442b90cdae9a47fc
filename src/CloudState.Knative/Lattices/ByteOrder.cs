using System.Collections.Immutable;
using Google.Protobuf;

namespace CloudState.Knative.Lattices;

/// <summary>
/// Elements and keys in the order of their bytes. A sorted tree gives the same bytes for the same content without sorting, shares its nodes with
/// what it came from, and cannot be slowed down by keys whose hashes collide.
/// </summary>
internal sealed class ByteOrder : IComparer<ByteString>
{
    public static readonly ByteOrder Instance = new();

    private ByteOrder()
    {
    }

    public static ImmutableSortedDictionary<ByteString, TValue> Empty<TValue>() => ImmutableSortedDictionary.Create<ByteString, TValue>(Instance);

    public int Compare(ByteString? x, ByteString? y) => (x ?? ByteString.Empty).Span.SequenceCompareTo((y ?? ByteString.Empty).Span);
}
