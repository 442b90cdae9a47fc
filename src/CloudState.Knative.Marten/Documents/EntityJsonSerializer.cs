using System.Buffers;
using System.Collections.Frozen;
using System.Data.Common;
using System.Text;
using CloudState.Knative.Protobuf;
using Google.Protobuf;
using Marten;
using Npgsql;
using NpgsqlTypes;
using Weasel.Core;
using ISerializer = Marten.ISerializer;

namespace CloudState.Knative.Marten.Documents;

/// <summary>
/// Writes what entities store, <see cref="EntitySnapshot"/> and <see cref="EntityValue"/>, in the JSON of <see cref="StoredTypes"/>, without reflection; leaves
/// everything else to <paramref name="others"/>.
/// </summary>
internal sealed class EntityJsonSerializer(StoredTypes types, ISerializer others) : ISerializer
{
    private readonly FrozenDictionary<Type, string> _names = types.All.ToFrozenDictionary(type => type.ClrType, type => type.Name);

    public EnumStorage EnumStorage => others.EnumStorage;

    public Casing Casing => others.Casing;

    public ValueCasting ValueCasting => others.ValueCasting;

    public string ToJson(object? document) => OwnText(document) ?? others.ToJson(document);

    public string ToCleanJson(object? document) => OwnText(document) ?? others.ToCleanJson(document);

    public string ToJsonWithTypes(object document) => OwnText(document) ?? others.ToJsonWithTypes(document);

    public void WriteTo(IBufferWriter<byte> writer, object? value)
    {
        if (!WroteOwnJson(writer, value))
        {
            others.WriteTo(writer, value);
        }
    }

    public void WriteToCleanJson(IBufferWriter<byte> writer, object? value)
    {
        if (!WroteOwnJson(writer, value))
        {
            others.WriteToCleanJson(writer, value);
        }
    }

    public void WriteToJsonWithTypes(IBufferWriter<byte> writer, object value)
    {
        if (!WroteOwnJson(writer, value))
        {
            others.WriteToJsonWithTypes(writer, value);
        }
    }

    public void WriteToParameter(NpgsqlParameter parameter, object? value)
    {
        if (OwnJson(value) is { } json)
        {
            parameter.NpgsqlDbType = NpgsqlDbType.Jsonb;
            parameter.Value = json;
        }
        else
        {
            others.WriteToParameter(parameter, value);
        }
    }

    public T FromJson<T>(Stream stream) => IsOwn(typeof(T)) ? (T)FromOwnJson(typeof(T), ReadAll(stream)) : others.FromJson<T>(stream);

    public T FromJson<T>(DbDataReader reader, int index) =>
        IsOwn(typeof(T)) ? (T)FromOwnJson(typeof(T), reader.GetFieldValue<byte[]>(index)) : others.FromJson<T>(reader, index);

    public object FromJson(Type type, Stream stream) => IsOwn(type) ? FromOwnJson(type, ReadAll(stream)) : others.FromJson(type, stream);

    public object FromJson(Type type, DbDataReader reader, int index) =>
        IsOwn(type) ? FromOwnJson(type, reader.GetFieldValue<byte[]>(index)) : others.FromJson(type, reader, index);

    public async ValueTask<T> FromJsonAsync<T>(Stream stream, CancellationToken cancellationToken = default) =>
        IsOwn(typeof(T))
            ? (T)FromOwnJson(typeof(T), await ReadAllAsync(stream, cancellationToken))
            : await others.FromJsonAsync<T>(stream, cancellationToken);

    public async ValueTask<T> FromJsonAsync<T>(DbDataReader reader, int index, CancellationToken cancellationToken = default) =>
        IsOwn(typeof(T))
            ? (T)FromOwnJson(typeof(T), await reader.GetFieldValueAsync<byte[]>(index, cancellationToken))
            : await others.FromJsonAsync<T>(reader, index, cancellationToken);

    public async ValueTask<object> FromJsonAsync(Type type, Stream stream, CancellationToken cancellationToken = default) =>
        IsOwn(type)
            ? FromOwnJson(type, await ReadAllAsync(stream, cancellationToken))
            : await others.FromJsonAsync(type, stream, cancellationToken);

    public async ValueTask<object> FromJsonAsync(Type type, DbDataReader reader, int index, CancellationToken cancellationToken = default) =>
        IsOwn(type)
            ? FromOwnJson(type, await reader.GetFieldValueAsync<byte[]>(index, cancellationToken))
            : await others.FromJsonAsync(type, reader, index, cancellationToken);

    private bool IsOwn(Type type) =>
        type == typeof(EntitySnapshot) || type == typeof(EntityValue) || _names.ContainsKey(type) || type.IsAssignableTo(typeof(IMessage));

    private string? OwnText(object? value) => OwnJson(value) is { } json ? Encoding.UTF8.GetString(json) : null;

    private byte[]? OwnJson(object? value) => value switch
    {
        null => null,
        EntitySnapshot snapshot => StateJson.Write(snapshot, types),
        EntityValue document => StateJson.Write(document, types),
        MessageBytes bytes => types.ToJson(bytes),
        _ => types.Find(value.GetType())?.Write(value) ?? (value is IMessage message ? Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(message)) : null),
    };

    private bool WroteOwnJson(IBufferWriter<byte> writer, object? value)
    {
        if (OwnJson(value) is not { } json)
        {
            return false;
        }

        writer.Write(json);
        return true;
    }

    private object FromOwnJson(Type type, byte[] json) =>
        type == typeof(EntitySnapshot) ? StateJson.ReadSnapshot(json, types)
        : type == typeof(EntityValue) ? StateJson.ReadValue(json, types)
        : PrimitiveTypes.FindWrapped(type) is { } primitive ? ((IPrimitiveType)primitive).Wrap(primitive.Read(json))
        : types.FromJson(_names.GetValueOrDefault(type) ?? type.ToString(), json);

    private static byte[] ReadAll(Stream stream)
    {
        var json = new MemoryStream();
        stream.CopyTo(json);
        return json.ToArray();
    }

    private static async Task<byte[]> ReadAllAsync(Stream stream, CancellationToken cancellationToken)
    {
        var json = new MemoryStream();
        await stream.CopyToAsync(json, cancellationToken);
        return json.ToArray();
    }
}
