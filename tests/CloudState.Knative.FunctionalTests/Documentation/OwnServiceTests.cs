using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using CloudState.Knative.FunctionalTests.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>
/// "Your own service in five steps" is a service: its blocks, written to a folder outside of the repository, are built, run and called; and likewise with the lines that README.md of the
/// Marten package adds.
/// </summary>
[Collection(nameof(OwnServiceTests))]
public sealed partial class OwnServiceTests : IDisposable
{
    private const string FiveSteps = "Your own service in five steps";
    private const string MartenPage = "src/CloudState.Knative.Marten/README.md";
    private const string TestingPage = "src/CloudState.Knative.Testing/README.md";
    private const string UseIt = "Use it";
    private const string Project = "Visits.csproj";
    private const string CloneOfTheReader = "<CloudState>../CloudState.Knative</CloudState>";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // The projects are built with the configuration of these tests.
    private static readonly string Configuration = Path.GetFileName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)))!;

    private readonly string _folder = Directory.CreateTempSubdirectory("visits").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FiveSteps_AreAService()
    {
        WriteFiveSteps();
        await BuildAsync();

        await CallAsync();
    }

    [Fact]
    public async Task FiveSteps_WithPostgres_AreAService()
    {
        WriteFiveSteps();
        var blocks = Readme.At(MartenPage).Blocks.Where(Builds).ToArray();
        var (reference, properties) = blocks.Where(block => block.Language == "xml").Select(block => block.Text).ToArray() is [var first, var second] ? (first, second) : default;
        Write(Project, Replaced(File.ReadAllText(Path.Combine(_folder, Project)), "</ItemGroup>", $"{reference}</ItemGroup>"));
        Write("Directory.Build.props", properties);
        Write("Program.cs", Assert.Single(blocks, block => block.Language == "csharp").Text);
        await BuildAsync();

        await using var schema = new PostgresSchema();
        await schema.QueryAsync<object>($"create schema {schema.Name}");
        (string, string)[] settings = [("ConnectionStrings__CloudState", PostgresSchema.ConnectionString), ("CloudState__Marten__SchemaName", schema.Name)];
        Assert.Contains("The schema has been created or upgraded.", await RunToEndAsync(["run", "--no-build", "-c", Configuration, "--", "--migrate"], settings), StringComparison.Ordinal);
        await CallAsync(settings);

        Assert.Equal(1L, await schema.QueryAsync<long>($"select count(*) from {schema.Name}.mt_events where stream_id = 'page/home'"));
    }

    [Fact]
    public void Versions_AreThoseOfTheRepository()
    {
        var known = string.Concat(new[] { "Directory.Packages.props", "Directory.Build.props" }.Select(file => File.ReadAllText(Path.Combine(Readme.Root, file))));
        var references = Readme.All.SelectMany(readme => readme.Blocks).Where(Builds).SelectMany(block => VersionOfPackage().Matches(block.Text)).Select(match => match.Value).ToArray();

        Assert.NotEmpty(references);
        Assert.All(references, reference => Assert.Contains(reference, known, StringComparison.Ordinal));
    }

    /// <summary>Whether these tests, or <c>tests/stranger.sh</c>, build or run a block.</summary>
    internal static bool Builds(Readme.Block block) => (block.Readme.Path, block.Section) is ("README.md", FiveSteps) or (MartenPage, UseIt) or (TestingPage, UseIt);

    private void WriteFiveSteps()
    {
        var steps = Step().Matches(Readme.Front.Section(FiveSteps)).Select(match => (File: match.Groups["file"].Value, Text: match.Groups["text"].Value)).ToArray();

        // The fifth is the session.
        Assert.Equal(Readme.Front.Blocks.Count(Builds) - 1, steps.Length);
        foreach (var (file, text) in steps)
        {
            Write(file, file == Project ? Replaced(text, CloneOfTheReader, $"<CloudState>{Readme.Root}</CloudState>") : text);
        }
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);

    // The tests have built the projects it refers to, and nothing may write to their folders while tests run from them.
    private Task BuildAsync() => RunToEndAsync(
        ["build", "-c", Configuration, "-v", "quiet", "-nologo", "-warnaserror", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-p:BuildProjectReferences=false"]);

    private async Task CallAsync(params (string Key, string Value)[] settings)
    {
        var (port, output) = (new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously), new List<string>());
        using var service = Create(["run", "--no-build", "-c", Configuration], [("PORT", "0"), ("CloudState__Cluster__Address", "127.0.0.1"), .. settings]);
        service.OutputDataReceived += (_, line) => Read(line.Data);
        service.ErrorDataReceived += (_, line) => Read(line.Data);
        service.Exited += (_, _) => port.TrySetException(new InvalidOperationException("The service ended."));
        service.Start();
        service.BeginOutputReadLine();
        service.BeginErrorReadLine();
        try
        {
            var session = Assert.Single(Readme.Front.Blocks, block => block is { Language: "console", Section: FiveSteps });

            await ReadmeTests.RunSessionAsync(session, $"localhost:{await port.Task.WaitAsync(Patience)}");
        }
        catch (Exception failed) when (failed is InvalidOperationException or TimeoutException)
        {
            Assert.Fail($"{failed.Message}\n{Output()}");
        }
        finally
        {
            service.Kill(entireProcessTree: true);
            await service.WaitForExitAsync().WaitAsync(Patience);
        }

        void Read(string? line)
        {
            lock (output)
            {
                output.Add(line ?? "");
            }

            if (Listening().Match(line ?? "") is { Success: true } match)
            {
                port.TrySetResult(int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture));
            }
        }

        string Output()
        {
            lock (output)
            {
                return string.Join('\n', output);
            }
        }
    }

    private async Task<string> RunToEndAsync(string[] arguments, params (string Key, string Value)[] settings)
    {
        using var process = Create(arguments, settings);
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Patience);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        var text = await output.WaitAsync(Patience) + await errors.WaitAsync(Patience);
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{text}");
        return text;
    }

    private Process Create(string[] arguments, (string Key, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        return new Process { StartInfo = start, EnableRaisingEvents = true };
    }

    private static string Replaced(string text, string old, string with)
    {
        Assert.Single(Regex.Matches(text, Regex.Escape(old)));
        return text.Replace(old, with, StringComparison.Ordinal);
    }

    [GeneratedRegex("^\\*\\*[1-4]\\.\\*\\* `(?<file>[^`]+)`[^\n]*:\n\n```[a-z]+\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Step();

    [GeneratedRegex("Include=\"[^\"]+\" Version=\"[^\"]+\"")]
    private static partial Regex VersionOfPackage();

    [GeneratedRegex(@"Now listening on: http://\[::\]:(?<port>\d+)")]
    private static partial Regex Listening();

    /// <summary>They build, which takes the machine from tests that measure time.</summary>
    [CollectionDefinition(nameof(OwnServiceTests), DisableParallelization = true)]
    public sealed class AfterTheOthers;
}
