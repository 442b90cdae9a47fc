using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>Puts the fields of a message in the order of their numbers, as generated code writes them; and the entries of maps, which have no order, too.</summary>
internal static class WireOrder
{
    /// <param name="wire">The message.</param>
    /// <param name="shape">Of its type.</param>
    /// <param name="sortsEntries">Whether entries of maps are sorted.</param>
    public static byte[] Of(ReadOnlySpan<byte> wire, MessageShape shape, bool sortsEntries = false)
    {
        var fields = new List<(int Number, byte[] Raw)>();
        for (var reader = new WireReader(wire); !reader.IsAtEnd;)
        {
            var tag = reader.PeekTag();
            var raw = reader.ReadRaw();
            fields.Add((WireFormat.GetTagFieldNumber(tag), shape.FieldOf(tag) is { Message: { } content } field ? Of(raw, field, content, sortsEntries) : raw.ToArray()));
        }

        var inOrder = fields.GroupBy(field => field.Number).OrderBy(same => same.Key).SelectMany(
            same => sortsEntries && shape.Fields.Any(field => field.IsMap && field.Number == same.Key) ? same.OrderBy(entry => Convert.ToHexString(entry.Raw), StringComparer.Ordinal) : same.AsEnumerable(),
            (_, field) => field.Raw);
        return [.. inOrder.SelectMany(raw => raw)];
    }

    private static byte[] Of(ReadOnlySpan<byte> raw, FieldShape field, MessageShape content, bool sortsEntries)
    {
        var wire = new WireWriter(stackalloc byte[256]);
        try
        {
            var reader = new WireReader(raw);
            wire.WriteVarint(reader.ReadVarint());
            if (field.Type == FieldType.Group)
            {
                wire.WriteRaw(Of(reader.ReadGroup(field.Number), content, sortsEntries));
                wire.WriteTag(field.Number, WireFormat.WireType.EndGroup);
            }
            else
            {
                wire.WriteBytes(Of(reader.ReadBytes(), content, sortsEntries));
            }

            return wire.Written.ToArray();
        }
        finally
        {
            wire.Dispose();
        }
    }
}
