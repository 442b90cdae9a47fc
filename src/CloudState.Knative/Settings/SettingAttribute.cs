using System.ComponentModel.DataAnnotations;

namespace CloudState.Knative.Settings;

/// <summary>The range of an option. A value outside of it is refused with a sentence that names the setting, the value and the range.</summary>
/// <remarks>
/// Options are validated by generated code, which passes the path of each option as the display name, such as <c>CloudState.Cluster.Lease</c>.
/// A name between, such as that of a topic, may have dots of its own: <see cref="Path"/> hides them while the path is made.
/// </remarks>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class SettingAttribute : ValidationAttribute
{
    private const char HiddenDot = '\0';

    /// <summary>The path of options that are validated for themselves, to be passed to their validator as the name.</summary>
    public static string Path(string path) => path.Replace('.', HiddenDot);

    /// <summary>The sentence about a value.</summary>
    /// <param name="value">The value, or what is shown in its place.</param>
    /// <param name="demand">What it must be.</param>
    /// <param name="context">What the generated validator says of the option.</param>
    public static ValidationResult Refuse(string value, string demand, ValidationContext context) =>
        new($"{context.DisplayName.Replace('.', ':').Replace(HiddenDot, '.')} is {value}; it must be {demand}.");

    /// <summary>Whether the option has to have a value. Default: false.</summary>
    public bool IsRequired { get; init; }

    protected sealed override ValidationResult? IsValid(object? value, ValidationContext context) => value switch
    {
        null => IsRequired ? Refuse("null", "set", context) : ValidationResult.Success,
        _ => Check(value, context),
    };

    /// <returns>Null when the value is valid.</returns>
    protected abstract ValidationResult? Check(object value, ValidationContext context);
}
