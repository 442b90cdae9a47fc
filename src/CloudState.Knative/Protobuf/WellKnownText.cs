using System.Text;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>Timestamps, durations and field masks as JSON, in protobuf's own code.</summary>
internal static class WellKnownText
{
    /// <exception cref="UnstorableDataException">The value is out of its range.</exception>
    public static string Format(string name, ReadOnlySpan<byte> wire)
    {
        try
        {
            return JsonFormatter.Default.Format(DescriptorOf(name).Parser.ParseFrom(wire));
        }
        catch (InvalidOperationException invalid)
        {
            throw new UnstorableDataException($"It is no valid {name}: {invalid.Message}", invalid);
        }
    }

    /// <summary>The wire format; null if the text is not valid.</summary>
    public static byte[]? TryParse(string name, ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonParser.Default.Parse(Encoding.UTF8.GetString(json), DescriptorOf(name)).ToByteArray();
        }
        catch (Exception invalid) when (invalid is InvalidProtocolBufferException or InvalidOperationException)
        {
            return null;
        }
    }

    private static MessageDescriptor DescriptorOf(string name) =>
        name == Timestamp.Descriptor.FullName ? Timestamp.Descriptor : name == Duration.Descriptor.FullName ? Duration.Descriptor : FieldMask.Descriptor;
}
