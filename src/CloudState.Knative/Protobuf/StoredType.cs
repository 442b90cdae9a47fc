using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CloudState.Knative.Protobuf;

/// <summary>One type that entities store.</summary>
internal abstract class StoredType(string name, Type clrType)
{
    /// <summary>What it is called in the store.</summary>
    public string Name { get; } = name;

    public Type ClrType { get; } = clrType;

    /// <summary>The value as JSON, in UTF-8.</summary>
    public abstract byte[] Write(object value);

    public abstract object Read(ReadOnlySpan<byte> json);

    /// <summary>A copy that shares nothing with the value that could change.</summary>
    public abstract object Copy(object value);
}

/// <summary>A protobuf message, in its canonical JSON mapping with default values left out.</summary>
internal sealed class MessageType(Type clrType, MessageDescriptor descriptor, StoredShapes shapes) : StoredType(descriptor.FullName, clrType)
{
    private readonly ICopier _copier = CopierOf(clrType);

    public override byte[] Write(object value) => MessageJson.Write((IMessage)value, shapes.Current.Of(descriptor), JsonStyle.Stored);

    public override object Read(ReadOnlySpan<byte> json) => MessageJson.ReadStored(json, descriptor, shapes.Current.Of(descriptor));

    public override object Copy(object value) => _copier.Copy(value);

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The type argument is a reference type; the shared instantiation is rooted by the first line.")]
    [UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "The type argument carries no requirements on members.")]
    private static ICopier CopierOf(Type clrType) =>
        clrType == typeof(EntityDeleted) ? new Copier<EntityDeleted>() : (ICopier)Activator.CreateInstance(typeof(Copier<>).MakeGenericType(clrType))!;

    private interface ICopier
    {
        object Copy(object message);
    }

    private sealed class Copier<TMessage> : ICopier
        where TMessage : class, IMessage<TMessage>
    {
        public object Copy(object message) => ((TMessage)message).Clone();
    }
}

/// <summary>A protobuf message without a generated class, in the same JSON.</summary>
internal sealed class MessageBytesType(MessageDescriptor descriptor, StoredShapes shapes) : StoredType(descriptor.FullName, typeof(MessageBytes))
{
    public override byte[] Write(object value) => MessageJson.Write((MessageBytes)value, shapes.Current.Of(descriptor), JsonStyle.Stored);

    public override object Read(ReadOnlySpan<byte> json) => MessageJson.ReadStored(json, descriptor, shapes.Current.Of(descriptor));

    public override object Copy(object value) => new MessageBytes(descriptor, ((MessageBytes)value).Bytes);
}

/// <summary>A class that System.Text.Json writes and reads.</summary>
internal sealed class JsonType(string name, JsonTypeInfo info) : StoredType(name, info.Type)
{
    private const string Prefix = "json.cloudstate.io/";

    /// <exception cref="EntityDefinitionException">Nothing says how the class looks as JSON.</exception>
    public static JsonType Of(Type type, JsonSerializerOptions? json)
    {
        if (json is null || !json.TryGetTypeInfo(type, out var info))
        {
            throw new EntityDefinitionException(
                $"{type.FullName} is stored as JSON, but nothing says how. Call .UseJson(YourJsonContext.Default) on what builder.AddCloudState() returns, with a JsonSerializerContext that has [JsonSerializable(typeof({type.Name}))].");
        }

        return new JsonType(Prefix + type.FullName, info);
    }

    public override byte[] Write(object value)
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(value, info);
        }
        catch (JsonException tooDeep)
        {
            throw new UnstorableDataException(tooDeep.Message, tooDeep);
        }
    }

    public override object Read(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, info) ?? throw new JsonException("It is null.");

    public override object Copy(object value) => Read(Write(value));
}

/// <summary>Values without a class of their own. Their JSON is that of protobuf's wrapper messages, as which Marten sees them.</summary>
internal sealed class PrimitiveType<T>(string name, MessageType wrapper, Func<T, IMessage> wrap, Func<IMessage, T> unwrap) : StoredType(name, typeof(T)), IPrimitiveType
    where T : notnull
{
    public Type WrapperType => wrapper.ClrType;

    public override byte[] Write(object value) => wrapper.Write(wrap((T)value));

    public override object Read(ReadOnlySpan<byte> json) => unwrap((IMessage)wrapper.Read(json));

    public override object Copy(object value) => value;

    public IMessage Wrap(object value) => wrap((T)value);

    public object Unwrap(IMessage message) => unwrap(message);
}

/// <summary>A <see cref="PrimitiveType{T}"/> of any kind.</summary>
internal interface IPrimitiveType
{
    Type WrapperType { get; }

    IMessage Wrap(object value);

    object Unwrap(IMessage message);
}
