using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace CloudState.Knative.Settings;

/// <summary>The shortest and the longest duration of an option, as <c>[d.]hh:mm:ss[.fff]</c>.</summary>
internal sealed class DurationAttribute(string shortest, string longest) : SettingAttribute
{
    /// <summary>The shortest duration of most options.</summary>
    public const string Tick = "00:00:00.010";

    /// <summary>
    /// For what a timer waits for: less than a day, so that a whole number of days is never meant, and far less than the 49 days of a timer.
    /// </summary>
    public const string HalfADay = "12:00:00";

    /// <summary>For what is only compared or stored.</summary>
    public const string Year = "365.00:00:00";

    public TimeSpan Shortest { get; } = TimeSpan.ParseExact(shortest, "c", CultureInfo.InvariantCulture);

    public TimeSpan Longest { get; } = TimeSpan.ParseExact(longest, "c", CultureInfo.InvariantCulture);

    protected override ValidationResult? Check(object value, ValidationContext context)
    {
        var duration = (TimeSpan)value;
        return duration >= Shortest && duration <= Longest
            ? null
            : Refuse($"{duration}", $"between {Shortest} and {Longest}{Hint(duration)}", context);
    }

    // .NET reads 60 as 60 days.
    private static string Hint(TimeSpan duration) =>
        duration > TimeSpan.Zero && duration.Ticks % TimeSpan.TicksPerDay == 0
            ? $". A number without colons is in days: write {TimeSpan.FromSeconds(duration.Days)} for {duration.Days} seconds"
            : "";
}
