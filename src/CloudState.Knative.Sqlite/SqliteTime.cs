using System.Globalization;

namespace CloudState.Knative.Sqlite;

/// <summary>How times are stored.</summary>
internal static class SqliteTime
{
    // Fixed width and UTC, so that the order of the texts is the order of the times.
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    public static string ToText(DateTimeOffset time) => time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture);

    public static DateTimeOffset Parse(string text) =>
        DateTimeOffset.ParseExact(text, Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
