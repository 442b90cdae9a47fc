namespace CloudState.Knative.Faults.Upgrade;

/// <summary>What <c>tests/upgrade.sh</c> calls this program with.</summary>
/// <param name="OldProgram">The sample of the release before, an executable or its .dll.</param>
internal sealed record UpgradeOptions(string OldProgram)
{
    public const string Usage = """
        Usage: bash tests/upgrade.sh [COMMIT]
          COMMIT   the release before, from the history of this repository; default 978332c
        """;

    /// <exception cref="FormatException">There is no such program.</exception>
    public static UpgradeOptions Parse(ReadOnlySpan<string> args) => args is [var program] && File.Exists(program)
        ? new UpgradeOptions(Path.GetFullPath(program))
        : throw new FormatException($"'{string.Join(' ', args!)}' is not the sample of the release before.");
}
