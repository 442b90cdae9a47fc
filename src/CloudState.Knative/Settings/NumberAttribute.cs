using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace CloudState.Knative.Settings;

/// <summary>The smallest and the largest number of an option.</summary>
internal sealed class NumberAttribute(int smallest, int largest = int.MaxValue) : SettingAttribute
{
    public int Smallest => smallest;

    public int Largest => largest;

    /// <summary>How the limits are written. Default: digits in groups of three.</summary>
    public string Format { get; init; } = "N0";

    protected override ValidationResult? Check(object value, ValidationContext context)
    {
        var number = (int)value;
        return number >= smallest && number <= largest
            ? null
            : Refuse(
                number.ToString(CultureInfo.InvariantCulture),
                largest == int.MaxValue ? $"at least {Text(smallest)}" : $"from {Text(smallest)} to {Text(largest)}",
                context);
    }

    private string Text(int limit) => limit.ToString(Format, CultureInfo.InvariantCulture);
}
