using System.Text.Json;
using System.Text.Json.Nodes;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Testing;

/// <summary>A value as the stores have it.</summary>
internal readonly record struct StoredForm(string TypeName, string Json)
{
    /// <summary>Writes a value and reads it back.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="value">An event, a snapshot or a state.</param>
    /// <param name="types">What the entity stores.</param>
    /// <exception cref="TestKitException">What comes back is not the same.</exception>
    public static StoredForm Of(string what, object value, StoredTypes types)
    {
        var type = types.Of(value);
        string json;
        object back;
        try
        {
            json = types.ToJsonText(value);
            back = types.FromJson(type.Name, json);
        }
        catch (Exception failure) when (failure is UnreadableEntityException or JsonException or InvalidOperationException or NotSupportedException or ArgumentException)
        {
            throw new TestKitException($"The {what} {value.GetType().FullName} cannot be stored: {failure.Message}", failure);
        }

        return AreSame(type, value, back) ? new StoredForm(type.Name, json) : throw new TestKitException(
            $"""
            The {what} {value.GetType().FullName} does not come back from the store as it was.
              Written:   {json}
              Read back: {types.ToJsonText(back)}
            {(type is JsonType ? "Give what its JSON leaves out a public setter or a constructor parameter." : "It holds what JSON has no place for, such as unknown fields or broken characters.")}
            """);
    }

    public object Read(StoredTypes types) => types.FromJson(TypeName, Json);

    /// <summary>Classes that are stored as JSON need not compare themselves, and the order of what is in their dictionaries does not matter.</summary>
    public static bool AreSame(StoredType type, object left, object right) =>
        type is JsonType ? JsonNode.DeepEquals(JsonNode.Parse(type.Write(left)), JsonNode.Parse(type.Write(right))) : Equals(left, right);
}
