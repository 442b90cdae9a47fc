using System.Buffers;
using System.Text.Json;
using Google.Protobuf;

namespace CloudState.Knative.Protobuf;

/// <summary>The fields of a message that this revision does not know, as the wire has them.</summary>
internal sealed class UnknownFields
{
    private readonly List<(uint Tag, byte[] Raw)> _fields = [];

    /// <param name="tag">The tag of the field.</param>
    /// <param name="raw">The field, with its tag.</param>
    public void Add(uint tag, ReadOnlySpan<byte> raw) => _fields.Add((tag, raw.ToArray()));

    /// <summary>Writes those that another revision has recorded under their names, each once, and the others as bytes.</summary>
    public void WriteTo(Utf8JsonWriter json, MessageShape shape, Action<FieldShape, ReadOnlyMemory<byte>> writeRecorded)
    {
        var rest = new ArrayBufferWriter<byte>();
        foreach (var sameNumber in _fields.GroupBy(field => WireFormat.GetTagFieldNumber(field.Tag)))
        {
            var bytes = sameNumber.SelectMany(field => field.Raw).ToArray();
            var recorded = Array.FindLast(shape.OtherFields, field => field.Number == sameNumber.Key);
            if (recorded is not null && sameNumber.All(field => recorded.Holds(WireFormat.GetTagWireType(field.Tag))) && (recorded.IsRepeated || sameNumber.Count() == 1))
            {
                writeRecorded(recorded, bytes);
            }
            else
            {
                rest.Write(bytes);
            }
        }

        if (rest.WrittenCount > 0)
        {
            json.WriteBase64String(StoredMembers.Unknown, rest.WrittenSpan);
        }
    }
}
