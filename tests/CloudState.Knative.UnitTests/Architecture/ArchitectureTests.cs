namespace CloudState.Knative.UnitTests.Architecture;

/// <summary>Folders are floors: a folder imports only folders below it. <c>src/README.md</c> is the floor plan.</summary>
public class ArchitectureTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("CloudState.Knative")]
    [InlineData("CloudState.Knative.Marten")]
    [InlineData("CloudState.Knative.Sqlite")]
    [InlineData("CloudState.Knative.OpenApi")]
    [InlineData("CloudState.Knative.Prometheus")]
    [InlineData("CloudState.Knative.Testing")]
    public void Folders_ImportOnlyLowerFloors(string name)
    {
        var library = new Library(name);
        var floors = FloorPlan.Of(name);
        Assert.Equal(library.Folders, floors.Keys.Order());

        var imports = library.ReadImports();

        foreach (var floor in floors.GroupBy(folder => folder.Value, folder => folder.Key).OrderByDescending(floor => floor.Key))
        {
            output.WriteLine($"{floor.Key}  {string.Join("  ", floor.Order())}");
        }

        var pairs = imports.Select(import => (import.From, import.To)).ToHashSet();
        var climbs = imports.Where(import => floors[import.To] >= floors[import.From]).Select(import => import.ToString()).ToArray();
        output.WriteLine($"{imports.Count} imports, {pairs.Count(pair => pairs.Contains((pair.To, pair.From))) / 2} mutual pairs, {climbs.Length} climbing");
        Assert.True(climbs.Length == 0, $"A folder imports only folders on lower floors (src/README.md). These climb:\n{string.Join('\n', climbs)}");
    }
}
