namespace CloudState.Knative.Protobuf;

/// <summary>For whom a message is written as JSON.</summary>
internal enum JsonStyle
{
    /// <summary>With default values, and without what this revision does not know.</summary>
    Client,

    /// <summary>Like <see cref="Client"/>, but without default values.</summary>
    Event,

    /// <summary>
    /// Without default values, and with all of the message: fields that this revision does not know are there under the names that other revisions have
    /// recorded for them, or else as bytes, under <see cref="StoredMembers.Unknown"/>.
    /// </summary>
    Stored,
}

/// <summary>Members of stored JSON that are no fields.</summary>
internal static class StoredMembers
{
    /// <summary>Fields of the message in protobuf's wire format, as base64.</summary>
    public const string Unknown = "@unknown";

    /// <summary>The type of the message in an <c>Any</c>.</summary>
    public const string Type = "@type";

    /// <summary>The bytes of the message in an <c>Any</c>, as base64, when its type is not known.</summary>
    public const string Bytes = "@bytes";
}
