using System.Text.Json;
using Google.Protobuf;

namespace CloudState.Knative.Crdts;

/// <summary>How elements, keys and values of registers are stored, always the same one as the same bytes, and how people see them.</summary>
internal sealed class ElementCodec<T>(
    Func<T, ByteString> write, Func<ByteString, T> read, Func<T, string> text, Action<Utf8JsonWriter, T> writeJson)
    where T : notnull
{
    /// <summary>The one of the type, once it was requested.</summary>
    public static ElementCodec<T>? Shared { get; set; }

    /// <exception cref="ArgumentException">There is no element, or it is a text that is no valid UTF-16.</exception>
    public ByteString Write(T element)
    {
        ArgumentNullException.ThrowIfNull(element);
        return write(element);
    }

    /// <summary>Shares nothing with the stored element that could be changed.</summary>
    /// <exception cref="InvalidDataException">What is stored is no such element.</exception>
    public T Read(ByteString stored)
    {
        try
        {
            return read(stored);
        }
        catch (Exception other) when (other is ArgumentException or InvalidProtocolBufferException)
        {
            throw new InvalidDataException(
                $"A stored element of {stored.Length} bytes is no {typeof(T)}. If elements of another type were stored here, go on with that type.", other);
        }
    }

    /// <summary>For names in JSON.</summary>
    public string Text(T element) => text(element);

    public void WriteJson(Utf8JsonWriter json, T element) => writeJson(json, element);
}
