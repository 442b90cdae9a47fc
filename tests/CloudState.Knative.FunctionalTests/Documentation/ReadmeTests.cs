using System.Diagnostics;
using System.Text.RegularExpressions;
using CloudState.Knative.Actions;
using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Sqlite;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Documentation;

/// <summary>The README tells the truth: its session has this output, its code is compiled, its settings exist.</summary>
public sealed partial class ReadmeTests
{
    internal static readonly string Root = FindRoot();
    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    [Fact]
    public async Task Session_HasThisOutput()
    {
        await using var service = await ServiceProcess.StartAsync(("CloudState__Sqlite__Path", ":memory:"));
        var steps = Assert.Single(Blocks("console")).Split("$ ", StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(steps);
        foreach (var step in steps)
        {
            var (command, expected) = (step[..step.IndexOf('\n', StringComparison.Ordinal)], step[(step.IndexOf('\n', StringComparison.Ordinal) + 1)..]);

            Assert.Equal(expected.Trim(), (await RunAsync(command.Replace("localhost:8080", service.Address.Authority, StringComparison.Ordinal))).Trim());
        }
    }

    [Fact]
    public void Code_IsCompiled()
    {
        var sources = new[] { "samples/ShoppingCart", "tests/CloudState.Knative.UnitTests/Samples", "tests/CloudState.Knative.FunctionalTests/Documentation", "samples/Orders/Orders" }
            .SelectMany(folder => Directory.GetFiles(Path.Combine(Root, folder), "*.cs")).Select(File.ReadAllText).ToArray();

        Assert.All(Blocks("proto"), block => Assert.Contains(block.TrimEnd(), File.ReadAllText(Path.Combine(Root, "samples/Orders/Carts/Protos/carts.proto")), StringComparison.Ordinal));
        Assert.All(Blocks("csharp"), block => Assert.Contains(sources, source => source.Contains(block.TrimEnd(), StringComparison.Ordinal)));
    }

    [Fact]
    public void Code_FitsItsServices()
    {
        EntityDefinitionReader.Read(typeof(SavingsAccount));
        EntityDefinitionReader.Read(typeof(ModelTransfer));
        ActionDefinitionReader.Read(typeof(ModelTeller));
    }

    [Fact]
    public void Configuration_ListsEveryOption()
    {
        var options = typeof(CloudStateOptions).GetProperties()
            .Where(property => property.Name is not ("Entities" or "Ring" or "Effects" or "Eventing" or "Topics")).Select(property => property.Name)
            .Concat(typeof(ClusterOptions).GetProperties().Select(property => $"Cluster__{property.Name}"))
            .Concat(typeof(EntityOptions).GetProperties().Select(property => $"Entities__{property.Name}"))
            .Concat(typeof(DeliveryOptions).GetProperties().Select(property => $"Delivery__{property.Name}"))
            .Concat(typeof(EventingOptions).GetProperties().Select(property => $"Eventing__{property.Name}"))
            .Concat(typeof(TopicOptions).GetProperties().Select(property => $"Topics__NAME__{property.Name}"))
            .Concat(typeof(SqliteStoreOptions).GetProperties().Select(property => $"Sqlite__{property.Name}"));

        Assert.All(options, option => Assert.Contains($"| `{option}` |", Readme, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Blocks(string language) =>
        FencedBlock().Matches(Readme).Where(match => match.Groups["language"].Value == language).Select(match => match.Groups["text"].Value);

    private static async Task<string> RunAsync(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardOutput = true })!;
        var output = await shell.StandardOutput.ReadToEndAsync().WaitAsync(TestService.Patience);
        await shell.WaitForExitAsync().WaitAsync(TestService.Patience);
        return output;
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CloudState.Knative.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }

    [GeneratedRegex("^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FencedBlock();
}
