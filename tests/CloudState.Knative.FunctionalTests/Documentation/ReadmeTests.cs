using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CloudState.Knative.Actions;
using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Replicated;
using CloudState.Knative.Marten;
using CloudState.Knative.Sqlite;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>The READMEs tell the truth: sessions have their output, code is compiled, settings exist, commands run, links resolve.</summary>
public sealed partial class ReadmeTests
{
    internal static readonly string Root = Readme.Root;

    private const int MaxFrontPageBytes = 8192;
    private const string Handbook = "src/CloudState.Knative/README.md";
    private const string MartenPage = "src/CloudState.Knative.Marten/README.md";
    private const string SqlitePage = "src/CloudState.Knative.Sqlite/README.md";
    private const string OrdersPage = "samples/Orders/README.md";
    private const string TestsPage = "tests/README.md";

    // Settings that belong to no class of options.
    private static readonly (string Page, string Name)[] SettingsOfNoClass =
    [
        (Handbook, "PORT"), (Handbook, "Services__NAME"), (Handbook, "OTEL_EXPORTER_OTLP_ENDPOINT"), (MartenPage, "ConnectionStrings__CloudState"),
    ];

    // Options that the configuration section does not set.
    private static readonly string[] OptionsInCode = [nameof(MartenStoreOptions.ConnectionString), nameof(MartenStoreOptions.Configure), nameof(MartenStoreOptions.UseMartenSessions)];

    // Names of that form in sentences, beside the settings: a placeholder, an example, and the setting of a sample.
    private static readonly string[] OtherNames = ["CloudState__Name", "Services__mails", "Orders__PaymentTime"];

    // Commands that CI does not run but a test of this project does.
    private static readonly Dictionary<string, Type> TestedCommands = new()
    {
        ["dotnet run"] = typeof(OwnServiceTests),
        ["dotnet run --project samples/ShoppingCart"] = typeof(ReadmeTests),
        ["dotnet run --project tests/CloudState.Knative.Tck"] = typeof(Conformance.ThreePodsTck),
        ["bash samples/Orders/run.sh"] = typeof(OrdersSampleTests),
        ["bash samples/Orders/run.sh --demo"] = typeof(OrdersSampleTests),
    };

    // Measuring takes too long for CI; the options have to be those that the program reads.
    private static readonly Dictionary<string, string> ProgramsOfScripts = new() { ["tests/bench.sh"] = "tests/CloudState.Knative.Benchmarks" };

    [Fact]
    public async Task Session_HasThisOutput()
    {
        await using var service = await ServiceProcess.StartAsync(("CloudState__Sqlite__Path", ":memory:"));

        await RunSessionAsync(Assert.Single(Readme.Front.Blocks, block => block is { Language: "console", Section: "A session" }), service.Address.Authority);
    }

    [Fact]
    public void FrontPage_IsShort() => Assert.InRange(File.ReadAllBytes(Path.Combine(Root, Readme.Front.Path)).Length, 1, MaxFrontPageBytes);

    [Fact]
    public void Code_IsCompiled()
    {
        var sources = Sources("*.cs", "samples", "tests/CloudState.Knative.UnitTests", "tests/CloudState.Knative.FunctionalTests");
        var protos = Sources("*.proto", "samples", "tests/CloudState.Knative.UnitTests", "tests/CloudState.Knative.FunctionalTests");

        foreach (var block in Readme.All.SelectMany(readme => readme.Blocks).Where(block => !OwnServiceTests.Builds(block)))
        {
            var isKnown = block.Language switch
            {
                "csharp" => sources.Any(source => Holds(source, block.Text)),
                "proto" => protos.Any(source => Holds(source, block.Text)),
                "console" => (block.Readme.Path, block.Section) is ("README.md", "A session") or (OrdersPage, _),
                _ => false,
            };
            Assert.True(isKnown, $"{block.Readme}: no test compiles or runs this block of '{block.Section}':\n{block.Text}");
        }
    }

    [Fact]
    public void Code_FitsItsServices()
    {
        EntityDefinitionReader.Read(typeof(SavingsAccount));
        EntityDefinitionReader.Read(typeof(ModelTransfer));
        EntityDefinitionReader.Read(typeof(GuestbookEntity));
        ActionDefinitionReader.Read(typeof(ModelTeller));
    }

    [Fact]
    public void SettingsTables_ListEveryOptionWithItsDefault_AndNothingElse()
    {
        (string Page, string Name, Type Type, object? Default)[] options =
        [
            .. Options(new CloudStateOptions(), "").Select(option => (Handbook, option.Name, option.Type, option.Default)),
            .. Options(new MartenStoreOptions(), "Marten__").Select(option => (MartenPage, InCode(option.Name), option.Type, option.Default)),
            .. Options(new SqliteStoreOptions(), "Sqlite__").Select(option => (SqlitePage, option.Name, option.Type, option.Default)),
        ];
        var rows = Readme.All.SelectMany(readme => readme.Settings.Select(setting => (Page: readme.Path, setting.Name, setting.Default))).ToArray();

        Assert.Equal(
            options.Select(option => (option.Page, option.Name)).Concat(SettingsOfNoClass).Order(),
            rows.Select(row => (row.Page, row.Name)).Order());
        Assert.All(options, option => Assert.True(
            IsDefault(rows.Single(row => row.Name == option.Name).Default, option.Type, option.Default),
            $"{option.Page}: the default of {option.Name} is {option.Default ?? "null"}, not {rows.Single(row => row.Name == option.Name).Default}."));
    }

    [Fact]
    public void Settings_InSentences_Exist()
    {
        var known = Readme.All.SelectMany(readme => readme.Settings).Select(setting => setting.Name).Concat(OtherNames).ToHashSet(StringComparer.Ordinal);

        Assert.All(
            Readme.All.SelectMany(readme => SettingName().Matches(readme.Prose).Select(match => (readme.Path, match.Value))),
            mention => Assert.True(
                known.Contains(mention.Value) || known.Contains(mention.Value.Replace("CloudState__", "", StringComparison.Ordinal)), $"{mention.Path}: there is no setting {mention.Value}."));
    }

    [Fact]
    public void Commands_AreThoseOfCiOrOfATest()
    {
        var ci = File.ReadAllLines(Path.Combine(Root, ".ci/run"));
        var commands = Readme.All.SelectMany(readme => readme.Indented.Concat(readme.Inline.Select(code => code.StartsWith("tests/", StringComparison.Ordinal) ? $"bash {code}" : code))
            .Where(command => Command().IsMatch(command)).Select(command => (readme.Path, Command: command))).ToArray();

        Assert.NotEmpty(commands);
        Assert.All(commands, found => Assert.True(IsKnown(found.Command, ci), $"{found.Path}: neither .ci/run nor a test knows the command '{found.Command}'."));
    }

    [Fact]
    public void Projects_InCommands_Exist() => Assert.All(
        Readme.All.SelectMany(readme => readme.Indented.Concat(readme.Inline)).SelectMany(code => ProjectOfCommand().Matches(code)).Select(match => match.Groups["folder"].Value),
        folder => Assert.NotEmpty(Directory.GetFiles(Path.Combine(Root, folder), "*.csproj")));

    [Fact]
    public void Links_Resolve()
    {
        foreach (var (readme, link) in Readme.All.SelectMany(readme => readme.Links.Where(link => !link.Contains("://", StringComparison.Ordinal)).Select(link => (readme, link))))
        {
            var (target, anchor) = link.Split('#') is [var path, var heading] ? (Target(readme, path), heading) : (Target(readme, link), null);

            Assert.True(File.Exists(target) || Directory.Exists(target), $"{readme}: there is no {link}.");
            if (anchor is not null)
            {
                Assert.Contains(anchor, Readme.At(Path.GetRelativePath(Root, target)).Anchors);
            }
        }
    }

    [Fact]
    public void Readmes_AreReachedFromTheFrontPage()
    {
        HashSet<string> reached = [Readme.Front.Path];
        for (var known = 0; known < reached.Count;)
        {
            known = reached.Count;
            reached.UnionWith([.. reached.Select(Readme.At).SelectMany(readme => readme.Links.Select(link => Path.GetRelativePath(Root, Target(readme, link.Split('#')[0]))))
                .Where(target => Readme.All.Any(readme => readme.Path == target))]);
        }

        Assert.Equal(Readme.All.Select(readme => readme.Path), reached.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Proofs_AreTests()
    {
        var proofs = Readme.At(TestsPage).Inline.Where(code => ClassOfTests().IsMatch(code)).Distinct().ToArray();

        Assert.NotEmpty(proofs);
        Assert.All(proofs, proof => Assert.Single(
            Directory.GetDirectories(Path.Combine(Root, "tests"), "*Tests"), project => File.Exists(Path.Combine(project, $"{proof}.cs"))));
    }

    [Fact]
    public void Packages_BringTheirReadme()
    {
        foreach (var project in Directory.GetFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var (text, page) = (File.ReadAllText(project), Path.GetRelativePath(Root, Path.Combine(Path.GetDirectoryName(project)!, "README.md")));

            Assert.Contains("<PackageReadmeFile>README.md</PackageReadmeFile>", text, StringComparison.Ordinal);
            Assert.Contains("""<None Include="README.md" Pack="true" PackagePath="\" />""", text, StringComparison.Ordinal);
            Assert.StartsWith($"# {Path.GetFileNameWithoutExtension(project)}\n", Readme.At(page).Text, StringComparison.Ordinal);
            Assert.Contains(Readme.At("src/README.md").Links, link => $"src/{link}" == page);
        }
    }

    [Fact]
    public void Actors_AreNamed() =>
        Assert.All(Readme.All, readme => Assert.DoesNotMatch("(?i)\\b(nobody|somebody|anybody|whoever)\\b", readme.Prose));

    /// <summary>Runs the commands of a session against a service; each has the output that is below it.</summary>
    internal static async Task RunSessionAsync(Readme.Block session, string authority)
    {
        var steps = session.Text.Split("$ ", StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(steps);
        foreach (var step in steps)
        {
            var (command, expected) = (step[..step.IndexOf('\n', StringComparison.Ordinal)], step[(step.IndexOf('\n', StringComparison.Ordinal) + 1)..]);

            Assert.Equal(expected.Trim(), (await RunAsync(command.Replace("localhost:8080", authority, StringComparison.Ordinal))).Trim());
        }
    }

    private static async Task<string> RunAsync(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardOutput = true })!;
        var output = await shell.StandardOutput.ReadToEndAsync().WaitAsync(TestService.Patience);
        await shell.WaitForExitAsync().WaitAsync(TestService.Patience);
        return output;
    }

    private static string[] Sources(string pattern, params string[] folders) =>
    [
        .. folders.SelectMany(folder => Directory.GetFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories))
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")).Select(file => "\n" + File.ReadAllText(file)),
    ];

    /// <summary>Whole lines of the source, at any indentation.</summary>
    private static bool Holds(string source, string block) => Enumerable.Range(0, 9).Select(level => new string(' ', level * 2)).Any(indentation =>
        source.Contains("\n" + string.Concat(block.TrimEnd().Split('\n').Select(line => (line.Length == 0 ? "" : indentation + line) + "\n")), StringComparison.Ordinal));

    private static IEnumerable<(string Name, Type Type, object? Default)> Options(object options, string prefix) => options.GetType().GetProperties().SelectMany(property => property.GetValue(options) switch
    {
        Dictionary<string, TopicOptions> => Options(new TopicOptions(), $"{prefix}{property.Name}__NAME__"),
        { } section when property.PropertyType is { IsEnum: false } && property.PropertyType.Assembly == typeof(CloudStateOptions).Assembly => Options(section, $"{prefix}{property.Name}__"),
        var value => [(prefix + property.Name, property.PropertyType, value)],
    });

    private static string InCode(string option) => OptionsInCode.SingleOrDefault(name => option == $"Marten__{name}") ?? option;

    /// <summary>Whether a cell of a table is this value; without one, whether it says in words what holds.</summary>
    private static bool IsDefault(string cell, Type type, object? value)
    {
        var parsed = Parse(cell, Nullable.GetUnderlyingType(type) ?? type);
        return value is null ? cell.Length > 0 && (parsed is null or string) : value.Equals(parsed);
    }

    private static object? Parse(string cell, Type type) =>
        type == typeof(string) ? cell
        : type == typeof(int) && int.TryParse(cell, CultureInfo.InvariantCulture, out var number) ? number
        : type.IsEnum && Enum.TryParse(type, cell, out var named) ? named
        : type == typeof(bool) && bool.TryParse(cell, out var flag) ? flag
        : type == typeof(TimeSpan) && TimeSpan.TryParse(cell, CultureInfo.InvariantCulture, out var duration) ? duration
        : null;

    private static bool IsKnown(string command, string[] ci)
    {
        var words = command.Split(' ');
        var options = words.Where(word => word.StartsWith("--", StringComparison.Ordinal)).ToArray();
        if (TestedCommands.ContainsKey(command) || ci.Any(line => line == command || line.StartsWith($"{command} ", StringComparison.Ordinal)))
        {
            return true;
        }

        if (words is not ["bash", var script, ..] || !File.Exists(Path.Combine(Root, script)))
        {
            return false;
        }

        return ProgramsOfScripts.TryGetValue(script, out var program)
            ? Array.TrueForAll(options, option => File.ReadAllText(Path.Combine(Root, program, "RunOptions.cs")).Contains($"\"{option}\"", StringComparison.Ordinal))
            : ci.Select(line => line.Split(' ')).Any(line => line.Contains(script) && Array.TrueForAll(options, line.Contains));
    }

    private static string Target(Readme readme, string link) =>
        link.Length == 0 ? Path.Combine(Root, readme.Path) : Path.GetFullPath(Path.Combine(Root, Path.GetDirectoryName(readme.Path)!, link));

    [GeneratedRegex(@"\b[A-Z]\w*?__\w+\b")]
    private static partial Regex SettingName();

    [GeneratedRegex("^(bash \\S+\\.sh|dotnet run)( |$)")]
    private static partial Regex Command();

    [GeneratedRegex(@"dotnet (run --project|publish|build) (?<folder>(samples|tests|src)/[\w./]+)(?= |$)")]
    private static partial Regex ProjectOfCommand();

    [GeneratedRegex(@"^[A-Z]\w+/[A-Z]\w+$")]
    private static partial Regex ClassOfTests();
}
