using System.Text.RegularExpressions;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>A README of the repository, taken apart.</summary>
internal sealed partial class Readme
{
    public static readonly string Root = FindRoot();

    public static readonly IReadOnlyList<Readme> All = [.. Find(Root).Order(StringComparer.Ordinal).Select(file => new Readme(file))];

    private static readonly string[] Skipped = ["bin", "obj", "artifacts", "node_modules", ".git"];

    private Readme(string file)
    {
        Path = System.IO.Path.GetRelativePath(Root, file);
        Text = File.ReadAllText(file);
        Blocks = [.. FencedBlock().Matches(Text).Select(match => new Block(this, HeadingBefore(match.Index), match.Groups["language"].Value, match.Groups["text"].Value))];
        Prose = FencedBlock().Replace(Text, "");
    }

    public static Readme Front => At("README.md");

    /// <summary>Relative to the repository.</summary>
    public string Path { get; }

    public string Text { get; }

    /// <summary>The text without its fenced blocks.</summary>
    public string Prose { get; }

    public IReadOnlyList<Block> Blocks { get; }

    /// <summary>The headings, as links name them.</summary>
    public IEnumerable<string> Anchors => Heading().Matches(Prose).Select(match => NoPartOfAnAnchor().Replace(match.Groups["title"].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    /// <summary>The targets of its links.</summary>
    public IEnumerable<string> Links => Link().Matches(Prose).Select(match => match.Groups["target"].Value);

    /// <summary>The code within sentences and tables.</summary>
    public IEnumerable<string> Inline => InlineCode().Matches(Prose).Select(match => Space().Replace(match.Groups["code"].Value, " "));

    /// <summary>The lines that are set as code by their indentation.</summary>
    public IEnumerable<string> Indented => IndentedLine().Matches(Prose).Select(match => match.Groups["code"].Value.Trim());

    /// <summary>The rows of the tables with the columns name, default and meaning.</summary>
    public IEnumerable<Setting> Settings => SettingsTable().Matches(Prose)
        .SelectMany(table => table.Groups["rows"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        .Select(row => row.Trim('|').Split('|', StringSplitOptions.TrimEntries))
        .Select(cells => new Setting(InlineCode().Match(cells[0]).Groups["code"].Value, cells[1], cells[2]));

    public static Readme At(string path) => All.Single(readme => readme.Path == path);

    /// <summary>The text below a heading of the second level.</summary>
    public string Section(string title)
    {
        var start = Text.IndexOf($"\n## {title}\n", StringComparison.Ordinal);
        var end = start < 0 ? throw new InvalidOperationException($"{Path} has no section '{title}'.") : Text.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return end < 0 ? Text[start..] : Text[start..end];
    }

    public override string ToString() => Path;

    private string HeadingBefore(int index) => Heading().Matches(Text[..index]).LastOrDefault(match => match.Value.StartsWith("## ", StringComparison.Ordinal))?.Groups["title"].Value ?? "";

    private static IEnumerable<string> Find(string folder) =>
        Directory.GetFiles(folder, "README.md").Concat(Directory.GetDirectories(folder).Where(child => !Skipped.Contains(System.IO.Path.GetFileName(child))).SelectMany(Find));

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(System.IO.Path.Combine(folder, "CloudState.Knative.sln")))
        {
            folder = System.IO.Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }

    [GeneratedRegex("^```(?<language>[a-z]*)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FencedBlock();

    [GeneratedRegex("^#+ (?<title>.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NoPartOfAnAnchor();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`(?<code>[^`]+)`")]
    private static partial Regex InlineCode();

    [GeneratedRegex("^    (?<code>.+)$", RegexOptions.Multiline)]
    private static partial Regex IndentedLine();

    [GeneratedRegex("""^\| name \| default \| meaning \|\n\|[-|]+\|\n(?<rows>(\|.*\|\n?)+)""", RegexOptions.Multiline)]
    private static partial Regex SettingsTable();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    /// <summary>A fenced block, and the heading of the second level that it is below.</summary>
    internal sealed record Block(Readme Readme, string Section, string Language, string Text);

    /// <summary>A row of a settings table.</summary>
    internal sealed record Setting(string Name, string Default, string Meaning);
}
