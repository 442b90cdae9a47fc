using System.Collections;

namespace CloudState.Knative.Faults.Checking;

/// <summary>A set of small numbers, compared by value.</summary>
internal readonly struct BitSet : IEquatable<BitSet>
{
    private readonly int[] _words;
    private readonly int _hash;

    public BitSet(BitArray bits)
    {
        _words = new int[(bits.Length + 31) / 32];
        bits.CopyTo(_words, 0);
        var hash = new HashCode();
        foreach (var word in _words)
        {
            hash.Add(word);
        }

        _hash = hash.ToHashCode();
    }

    public bool Equals(BitSet other) => _hash == other._hash && _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => obj is BitSet other && Equals(other);

    public override int GetHashCode() => _hash;
}
