using System.Buffers.Binary;
using Google.Protobuf;

namespace CloudState.Knative.Protobuf;

/// <summary>Reads protobuf's wire format from memory.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> wire)
{
    private ReadOnlySpan<byte> _rest = wire;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>The tag that comes next, without reading it.</summary>
    public readonly uint PeekTag()
    {
        var ahead = this;
        return ahead.IsAtEnd ? 0 : (uint)ahead.ReadVarint();
    }

    public ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Malformed();
    }

    public uint ReadFixed32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadFixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public ReadOnlySpan<byte> ReadBytes()
    {
        var length = ReadVarint();
        return length <= (ulong)_rest.Length ? Take((int)length) : throw Malformed();
    }

    /// <summary>The next field, with its tag.</summary>
    public ReadOnlySpan<byte> ReadRaw()
    {
        var start = _rest;
        var tag = (uint)ReadVarint();
        Skip(WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag));
        return start[..^_rest.Length];
    }

    /// <summary>The fields of a group whose start was read, up to its end.</summary>
    public ReadOnlySpan<byte> ReadGroup(int field)
    {
        var start = _rest;
        while (PeekTag() != WireFormat.MakeTag(field, WireFormat.WireType.EndGroup))
        {
            ReadRaw();
        }

        var content = start[..^_rest.Length];
        ReadVarint();
        return content;
    }

    private void Skip(int field, WireFormat.WireType type)
    {
        switch (type)
        {
            case WireFormat.WireType.Varint:
                ReadVarint();
                break;
            case WireFormat.WireType.Fixed32:
                Take(4);
                break;
            case WireFormat.WireType.Fixed64:
                Take(8);
                break;
            case WireFormat.WireType.LengthDelimited:
                ReadBytes();
                break;
            case WireFormat.WireType.StartGroup:
                ReadGroup(field);
                break;
            default:
                throw Malformed();
        }
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
        {
            throw Malformed();
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private static InvalidDataException Malformed() => new("A message is not in protobuf's wire format.");
}
