using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;
using Google.Protobuf;

namespace CloudState.Knative.Crdts;

/// <summary>Which types elements can have. The order of the bytes is that of numbers and texts.</summary>
internal static class ElementCodecs
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly object[] Primitives =
    [
        new ElementCodec<string>(
            value => UnsafeByteOperations.UnsafeWrap(StrictUtf8.GetBytes(value)),
            bytes => StrictUtf8.GetString(bytes.Span),
            value => value,
            (json, value) => json.WriteStringValue(value)),
        new ElementCodec<bool>(
            value => Bytes(value ? [1] : [0]),
            bytes => OfSize(1, bytes)[0] != 0,
            value => value ? "true" : "false",
            (json, value) => json.WriteBooleanValue(value)),
        Integer<int>(),
        Integer<uint>(),
        Integer<long>(),
        Integer<ulong>(),
        new ElementCodec<double>(
            value => WriteInteger(InOrder(value)),
            bytes => FromOrder(ReadInteger<long>(bytes)),
            Text,
            (json, value) => json.WriteRawValue(double.IsFinite(value) ? Text(value) : $"\"{Text(value)}\"")),
        new ElementCodec<Guid>(
            value => Bytes(value.ToByteArray(bigEndian: true)),
            bytes => new Guid(bytes.Span, bigEndian: true),
            value => value.ToString(),
            (json, value) => json.WriteStringValue(value)),
        new ElementCodec<ByteString>(
            value => value,
            bytes => bytes,
            value => value.ToBase64(),
            (json, value) => json.WriteBase64StringValue(value.Span)),
    ];

    /// <exception cref="EntityDefinitionException">Elements cannot be of this type.</exception>
    public static ElementCodec<T> Of<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>()
        where T : notnull => ElementCodec<T>.Shared ??= Create<T>();

    private static ElementCodec<T> Create<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>()
        where T : notnull
    {
        if (Primitives.OfType<ElementCodec<T>>().SingleOrDefault() is { } primitive)
        {
            return primitive;
        }

        if (typeof(T).IsEnum && Enum.GetUnderlyingType(typeof(T)) == typeof(int))
        {
            return new(
                value => WriteInteger(Convert.ToInt32(value, CultureInfo.InvariantCulture)),
                bytes => (T)Enum.ToObject(typeof(T), ReadInteger<int>(bytes)),
                value => value.ToString()!,
                (json, value) => json.WriteStringValue(value.ToString()));
        }

        if (typeof(T).IsAssignableTo(typeof(IMessage)) && !typeof(T).IsAbstract)
        {
            return MessageElements.Of<T>();
        }

        throw new EntityDefinitionException(
            $"A {typeof(T)} can be no element, key or value of a register. " +
            "Use string, bool, int, uint, long, ulong, double, Guid, ByteString, an enum based on int, or a protobuf message.");
    }

    private static ElementCodec<T> Integer<T>()
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> => new(
            WriteInteger,
            ReadInteger<T>,
            value => value.ToString(null, CultureInfo.InvariantCulture),
            (json, value) => json.WriteRawValue(value.ToString(null, CultureInfo.InvariantCulture)));

    // Without its sign, a negative number would be after the positive ones.
    private static ByteString WriteInteger<T>(T value)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
    {
        var bytes = new byte[value.GetByteCount()];
        (value ^ T.MinValue).WriteBigEndian(bytes);
        return Bytes(bytes);
    }

    private static T ReadInteger<T>(ByteString bytes)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> =>
        T.ReadBigEndian(OfSize(T.Zero.GetByteCount(), bytes), isUnsigned: T.IsZero(T.MinValue)) ^ T.MinValue;

    // There is one zero and one NaN. The bits of negative numbers are in the opposite order.
    private static long InOrder(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(double.IsNaN(value) ? double.NaN : value == 0 ? 0 : value);
        return bits < 0 ? bits ^ long.MaxValue : bits;
    }

    private static double FromOrder(long order) => BitConverter.Int64BitsToDouble(order < 0 ? order ^ long.MaxValue : order);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static ByteString Bytes(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static ReadOnlySpan<byte> OfSize(int size, ByteString bytes) =>
        bytes.Length == size ? bytes.Span : throw new ArgumentException($"It needs {size} bytes.", nameof(bytes));
}
