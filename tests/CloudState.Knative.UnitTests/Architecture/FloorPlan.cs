using System.Globalization;

namespace CloudState.Knative.UnitTests.Architecture;

/// <summary>The floors of a library's folders, as the tables of <c>src/README.md</c> say: <c>| floor | `Folder/` | purpose |</c>.</summary>
internal static class FloorPlan
{
    public static IReadOnlyDictionary<string, int> Of(string library)
    {
        var floors = new Dictionary<string, int>();
        var section = "";
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "src", "README.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                section = line[3..].Trim();
            }
            else if (section == library && line.Split('|', StringSplitOptions.TrimEntries) is [_, var floor, var folder, var purpose, _] && int.TryParse(floor, CultureInfo.InvariantCulture, out var number))
            {
                Assert.NotEmpty(purpose);
                floors.Add(folder.Trim('`').TrimEnd('/'), number);
            }
        }

        return floors;
    }
}
