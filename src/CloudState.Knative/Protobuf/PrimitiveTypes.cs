using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>Cloudstate's seven primitive types.</summary>
internal static class PrimitiveTypes
{
    private const string Prefix = "p.cloudstate.io/";

    private static readonly StoredType[] All =
    [
        Create<string, StringValue>("string", value => new StringValue { Value = value }, wrapper => wrapper.Value),
        Create<ByteString, BytesValue>("bytes", value => new BytesValue { Value = value }, wrapper => wrapper.Value),
        Create<int, Int32Value>("int32", value => new Int32Value { Value = value }, wrapper => wrapper.Value),
        Create<long, Int64Value>("int64", value => new Int64Value { Value = value }, wrapper => wrapper.Value),
        Create<float, FloatValue>("float", value => new FloatValue { Value = value }, wrapper => wrapper.Value),
        Create<double, DoubleValue>("double", value => new DoubleValue { Value = value }, wrapper => wrapper.Value),
        Create<bool, BoolValue>("bool", value => new BoolValue { Value = value }, wrapper => wrapper.Value),
    ];

    /// <summary>What each is called in the store, and the message that stands for it in Marten.</summary>
    public static IEnumerable<(string Name, System.Type Wrapper)> Wrappers => All.Select(primitive => (primitive.Name, ((IPrimitiveType)primitive).WrapperType));

    /// <summary>Null for types that are not primitive.</summary>
    public static StoredType? Find(System.Type type) => Array.Find(All, primitive => primitive.ClrType == type);

    /// <summary>The primitive type that a wrapper message stands for; null for other types.</summary>
    public static StoredType? FindWrapped(System.Type wrapper) => Array.Find(All, primitive => ((IPrimitiveType)primitive).WrapperType == wrapper);

    private static PrimitiveType<T> Create<T, TWrapper>(string name, Func<T, TWrapper> wrap, Func<TWrapper, T> unwrap)
        where T : notnull
        where TWrapper : class, IMessage<TWrapper>, new()
    {
        var wrapper = new MessageType(typeof(TWrapper), new TWrapper().Descriptor, StoredShapes.OfNothing);
        return new PrimitiveType<T>(Prefix + name, wrapper, value => wrap(value), message => unwrap((TWrapper)message));
    }
}
