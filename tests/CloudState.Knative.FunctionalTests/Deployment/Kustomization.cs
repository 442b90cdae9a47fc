using YamlDotNet.RepresentationModel;

namespace CloudState.Knative.FunctionalTests.Deployment;

/// <summary>Renders a folder with a <c>kustomization.yaml</c>, as <c>kubectl kustomize</c> does: of that, what the folders of this repository use, and nothing else.</summary>
internal static class Kustomization
{
    public static IReadOnlyList<Resource> Render(string folder)
    {
        var kustomization = (YamlMappingNode)Documents(Path.Combine(folder, "kustomization.yaml")).Single();
        var resources = new List<Resource>();
        foreach (var (key, value) in kustomization.Children.Select(entry => ($"{entry.Key}", entry.Value)))
        {
            switch (key)
            {
                case "apiVersion" or "kind":
                    break;
                case "resources":
                    resources.AddRange(((YamlSequenceNode)value).SelectMany(resource => Read(Path.Combine(folder, $"{resource}"))));
                    break;
                case "patches":
                    ((YamlSequenceNode)value).ToList().ForEach(patch => Apply(patch, resources));
                    break;
                case "images":
                    ((YamlSequenceNode)value).ToList().ForEach(image => Rename(image, resources));
                    break;
                default:
                    throw new NotSupportedException($"{folder}: this reader does not know '{key}'. Teach it.");
            }
        }

        return resources;
    }

    private static IEnumerable<Resource> Read(string path) =>
        Directory.Exists(path) ? Render(path) : Documents(path).Select(document => new Resource((YamlMappingNode)document));

    private static void Apply(YamlNode patch, List<Resource> resources)
    {
        var target = patch["target"];
        var found = resources.Single(resource => resource.Kind == $"{target["kind"]}" && resource.Name == $"{target["name"]}");
        var change = Parse($"{patch["patch"]}").Single();
        if (change is YamlMappingNode merge)
        {
            Demand($"{merge["$patch"]}" == "delete", merge);
            resources.Remove(found);
            return;
        }

        foreach (var operation in (YamlSequenceNode)change)
        {
            var path = $"{operation["path"]}".Split('/', StringSplitOptions.RemoveEmptyEntries);
            var parent = path[..^1].Aggregate((YamlNode)found.Yaml, (node, step) => node[step]);
            Demand($"{operation["op"]}" == "replace" && ((YamlMappingNode)parent).Children.ContainsKey(path[^1]), operation);
            ((YamlMappingNode)parent).Children[path[^1]] = operation["value"];
        }

        static void Demand(bool isKnown, YamlNode patch)
        {
            if (!isKnown)
            {
                throw new NotSupportedException($"This reader does not know the patch {patch}, or there is nothing to patch.");
            }
        }
    }

    private static void Rename(YamlNode image, List<Resource> resources)
    {
        var containers = resources.SelectMany(resource => resource.Containers).Where(container => container.Image == $"{image["name"]}").ToArray();
        foreach (var container in containers)
        {
            container.Image = $"{image["newName"]}:{image["newTag"]}";
        }

        if (containers.Length == 0)
        {
            throw new InvalidOperationException($"No container has the image {image["name"]}.");
        }
    }

    private static IEnumerable<YamlNode> Documents(string file) => Parse(File.ReadAllText(file));

    private static IEnumerable<YamlNode> Parse(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return stream.Documents.Select(document => document.RootNode);
    }
}
