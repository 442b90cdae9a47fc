using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Protobuf;

/// <summary>The names of an enum's values in JSON.</summary>
/// <remarks>
/// A name keeps the number that it had first: data may have it. When a name moves on to another number, that one is written as a number.
/// </remarks>
internal sealed class EnumShape
{
    private readonly Dictionary<int, string> _names = [];
    private readonly Dictionary<string, int> _numbers = [];

    /// <param name="name">Of the enum, in full.</param>
    /// <param name="descriptor">The enum of today; null if this revision does not have it.</param>
    /// <param name="recorded">The names of its values that are recorded, the oldest first.</param>
    public EnumShape(string name, EnumDescriptor? descriptor, IEnumerable<ValueNames> recorded)
    {
        IsNull = name == "google.protobuf.NullValue";
        foreach (var value in recorded)
        {
            _numbers.TryAdd(value.Name, value.Number);
        }

        foreach (var value in descriptor?.Values ?? [])
        {
            if (_numbers.TryAdd(value.Name, value.Number) || _numbers[value.Name] == value.Number)
            {
                _names.TryAdd(value.Number, value.Name);
            }
        }

        foreach (var (valueName, number) in _numbers)
        {
            if (descriptor?.FindValueByName(valueName) is null)
            {
                _names.TryAdd(number, valueName);
            }
        }
    }

    /// <summary>Whether it is <see cref="NullValue"/>, which is null in JSON.</summary>
    public bool IsNull { get; }

    /// <summary>The name of a value; null when it has none.</summary>
    public string? NameOf(int number) => _names.GetValueOrDefault(number);

    public int? NumberOf(string name) => _numbers.TryGetValue(name, out var number) ? number : null;
}
