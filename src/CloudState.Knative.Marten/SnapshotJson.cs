using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Marten;

/// <summary>
/// The stored form of a snapshot:
/// <c>{"Id":"shopping-cart/alice","Version":100,"StateType":"com.example.Cart","State":{"items":[]}}</c>.
/// </summary>
internal static class SnapshotJson
{
    public static byte[] Write(EntitySnapshot snapshot, MessageTypes types)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("Id", snapshot.Id);
            json.WriteNumber("Version", snapshot.Version);
            json.WriteString("StateType", snapshot.State.Descriptor.FullName);
            json.WritePropertyName("State");
            json.WriteRawValue(types.ToJson(snapshot.State));
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static EntitySnapshot Read(byte[] json, MessageTypes types)
    {
        using var document = JsonDocument.Parse(json);
        var snapshot = document.RootElement;
        return new EntitySnapshot
        {
            Id = Text("Id"),
            Version = snapshot.GetProperty("Version").GetInt64(),
            State = types.FromJson(Text("StateType"), JsonMarshal.GetRawUtf8Value(snapshot.GetProperty("State"))),
        };

        string Text(string property) => snapshot.GetProperty(property).GetString() ?? "";
    }
}
