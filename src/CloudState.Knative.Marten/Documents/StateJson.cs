using System.Buffers;
using System.Text.Json;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Marten.Documents;

/// <summary>
/// The stored form of snapshots and values:
/// <c>{"Id":"shopping-cart/alice","Version":100,"StateType":"com.example.Cart","State":{"items":[]}}</c>, and for values, where there is one,
/// <c>"ExpiresAt":"2026-01-02T03:04:05.123456Z"</c>.
/// </summary>
internal static class StateJson
{
    public static byte[] Write(EntitySnapshot snapshot, StoredTypes types) => Write(snapshot.Id, snapshot.Version, snapshot.State, expiresAt: null, types);

    public static byte[] Write(EntityValue value, StoredTypes types) => Write(value.Id, value.Version, value.State, value.ExpiresAt, types);

    public static EntitySnapshot ReadSnapshot(byte[] json, StoredTypes types)
    {
        var (id, version, state, _) = Read(json, types);
        return new EntitySnapshot { Id = id, Version = version, State = state ?? throw new UnreadableEntityException($"The snapshot of '{id}' has no state.") };
    }

    public static EntityValue ReadValue(byte[] json, StoredTypes types)
    {
        var (id, version, state, expiresAt) = Read(json, types);
        return new EntityValue { Id = id, Version = version, State = state, ExpiresAt = expiresAt };
    }

    private static byte[] Write(string id, long version, object? state, DateTimeOffset? expiresAt, StoredTypes types)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("Id", id);
            json.WriteNumber("Version", version);
            if (state is not null)
            {
                json.WriteString("StateType", types.Of(state).Name);
                json.WritePropertyName("State");
                json.WriteRawValue(types.ToJson(state), skipInputValidation: true);
            }

            if (expiresAt is { } expiry)
            {
                json.WriteString("ExpiresAt", expiry.UtcDateTime);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static (string Id, long Version, object? State, DateTimeOffset? ExpiresAt) Read(ReadOnlySpan<byte> json, StoredTypes types)
    {
        var (id, type, version, expiresAt) = ("", "", (long?)null, (DateTimeOffset?)null);
        ReadOnlySpan<byte> state = default;
        var reader = new Utf8JsonReader(json, StoredTypes.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var property = reader.ValueSpan;
            reader.Read();
            if (property.SequenceEqual("Id"u8))
            {
                id = reader.GetString() ?? "";
            }
            else if (property.SequenceEqual("Version"u8))
            {
                version = reader.GetInt64();
            }
            else if (property.SequenceEqual("StateType"u8))
            {
                type = reader.GetString() ?? "";
            }
            else if (property.SequenceEqual("ExpiresAt"u8))
            {
                expiresAt = reader.GetDateTimeOffset();
            }
            else
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (property.SequenceEqual("State"u8))
                {
                    state = json[start..(int)reader.BytesConsumed];
                }
            }
        }

        return (id, version ?? throw new UnreadableEntityException($"What is stored of '{id}' has no version."), state.IsEmpty ? null : types.FromJson(type, state), expiresAt);
    }
}
