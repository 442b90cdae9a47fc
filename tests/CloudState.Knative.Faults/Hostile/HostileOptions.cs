using System.Globalization;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>What <c>tests/hostile.sh</c> was called with.</summary>
/// <param name="AttackTime">How long each attack goes on.</param>
internal sealed record HostileOptions(TimeSpan AttackTime)
{
    public const string Usage = """
        Usage: bash tests/hostile.sh [--minutes M | --short]
          --minutes M   how long all attacks take together; default 5
          --short       two seconds each, about a minute
        """;

    /// <exception cref="FormatException">An option is unknown or has no value.</exception>
    public static HostileOptions Parse(ReadOnlySpan<string> args) => args switch
    {
        [] => OfMinutes(5),
        ["--short"] => new HostileOptions(TimeSpan.FromSeconds(2)),
        ["--minutes", var value] when double.TryParse(value, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 1 and <= 600 => OfMinutes(minutes),
        _ => throw new FormatException($"'{string.Join(' ', args!)}' is not possible."),
    };

    private static HostileOptions OfMinutes(double minutes) =>
        new(TimeSpan.FromMinutes(minutes) / ((2 * ClientAttacks.All.Count) + StoreAttacks.OfPostgres.Count + StoreAttacks.OfSqlite.Count));
}
