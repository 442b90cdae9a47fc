using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;

namespace CloudState.Knative.Protobuf;

/// <summary>Writes protobuf's wire format into a buffer that grows.</summary>
internal ref struct WireWriter(Span<byte> initial)
{
    /// <summary>Up to which size buffers come from the pool, in bytes: larger ones it would keep for minutes.</summary>
    public const int MaxPooled = 1024 * 1024;

    private const int MaxVarint = 10;

    private Span<byte> _buffer = initial;
    private byte[]? _rented;
    private int _length;

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public void WriteTag(int field, WireFormat.WireType type) => WriteVarint(WireFormat.MakeTag(field, type));

    public void WriteVarint(ulong value)
    {
        var span = Reserve(MaxVarint);
        var count = 0;
        while (value >= 0x80)
        {
            span[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[count++] = (byte)value;
        _length += count;
    }

    public void WriteFixed32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);
        _length += 4;
    }

    public void WriteFixed64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);
        _length += 8;
    }

    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        WriteVarint((ulong)bytes.Length);
        bytes.CopyTo(Reserve(bytes.Length));
        _length += bytes.Length;
    }

    public void WriteRaw(ReadOnlySpan<byte> fields)
    {
        fields.CopyTo(Reserve(fields.Length));
        _length += fields.Length;
    }

    /// <summary>Takes back what was written after so many bytes.</summary>
    public void Truncate(int length) => _length = length;

    /// <summary>Room for so many bytes, of which <see cref="Advance"/> says how many were used.</summary>
    public Span<byte> Reserve(int size)
    {
        if (_buffer.Length - _length < size)
        {
            Grow(size);
        }

        return _buffer[_length..];
    }

    public void Advance(int count) => _length += count;

    /// <summary>Begins something that its length precedes, which is known only at its end; to be given to <see cref="EndDelimited"/>.</summary>
    public readonly int BeginDelimited() => _length;

    public void EndDelimited(int start)
    {
        var size = _length - start;
        var lengthSize = (BitOperations.Log2((uint)size | 1) / 7) + 1;
        Reserve(MaxVarint);
        _buffer.Slice(start, size).CopyTo(_buffer[(start + lengthSize)..]);
        _length = start;
        WriteVarint((ulong)size);
        _length += size;
    }

    public void Dispose()
    {
        if (_rented is not null)
        {
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = null;
        }
    }

    private void Grow(int size)
    {
        var capacity = Math.Max(_length + size, _buffer.Length * 2);
        var larger = capacity <= MaxPooled ? ArrayPool<byte>.Shared.Rent(capacity) : new byte[capacity];
        Written.CopyTo(larger);
        Dispose();
        _buffer = larger;
        _rented = capacity <= MaxPooled ? larger : null;
    }
}
