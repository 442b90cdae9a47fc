using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace CloudState.Knative.Lattices;

/// <summary>What is checked of bytes: they may come from a damaged store, or from a later revision that stores what this one cannot read.</summary>
internal static class Refusal
{
    public static void Unless([DoesNotReturnIf(false)] bool isRight, string what)
    {
        if (!isRight)
        {
            throw Of(what);
        }
    }

    /// <summary>The elements or keys, if they are in order and no one is there twice.</summary>
    public static IEnumerable<TStored> InOrder<TStored>(RepeatedField<TStored> stored, Func<TStored, ByteString> key)
    {
        ByteString? last = null;
        foreach (var item in stored)
        {
            Unless(last is null || ByteOrder.Instance.Compare(last, key(item)) < 0, "elements or keys are not in order");
            last = key(item);
            yield return item;
        }
    }

    public static InvalidDataException Of(string what, Exception? innerException = null) =>
        new($"The stored replicated value cannot be read: {what}.", innerException);
}
