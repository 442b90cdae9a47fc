using YamlDotNet.RepresentationModel;

namespace CloudState.Knative.FunctionalTests.Deployment;

/// <summary>A Kubernetes resource.</summary>
internal sealed record Resource(YamlMappingNode Yaml)
{
    public string Kind => $"{Yaml["kind"]}";

    public string Name => $"{Yaml["metadata"]["name"]}";

    /// <summary>Whether it is a service of Knative's, not one of Kubernetes.</summary>
    public bool IsKnativeService => Kind == "Service" && $"{Yaml["apiVersion"]}".StartsWith("serving.knative.dev/", StringComparison.Ordinal);

    public IEnumerable<Container> Containers =>
        Find("spec", "template", "spec", "containers") is YamlSequenceNode containers ? containers.Select(container => new Container((YamlMappingNode)container)) : [];

    public YamlNode? Find(params string[] path) =>
        path.Aggregate((YamlNode?)Yaml, (node, step) => node is YamlMappingNode map && map.Children.TryGetValue(step, out var child) ? child : null);

    public override string ToString() => $"{Kind}/{Name}";
}

/// <summary>A container of a resource.</summary>
internal sealed record Container(YamlMappingNode Yaml)
{
    public string Image
    {
        get => $"{Yaml["image"]}";
        set => Yaml.Children["image"] = value;
    }

    public string[] Args => [.. List("args").Select(argument => $"{argument}")];

    public bool HasCommand => Yaml.Children.ContainsKey("command");

    public int Port => int.Parse($"{List("ports").Single()["containerPort"]}", System.Globalization.CultureInfo.InvariantCulture);

    public string PathOf(string probe) => $"{Yaml[probe]["httpGet"]["path"]}";

    /// <summary>The environment, with values from secrets of the same manifests.</summary>
    public IEnumerable<(string Name, string Value)> Environment(IReadOnlyList<Resource> manifests) => List("env").Select(variable =>
        ($"{variable["name"]}", variable is YamlMappingNode map && map.Children.TryGetValue("value", out var value) ? $"{value}" : Secret(variable["valueFrom"]["secretKeyRef"], manifests)));

    private static string Secret(YamlNode reference, IReadOnlyList<Resource> manifests)
    {
        var secret = manifests.Single(resource => resource.Kind == "Secret" && resource.Name == $"{reference["name"]}");
        return $"{secret.Yaml["stringData"][$"{reference["key"]}"]}";
    }

    private IEnumerable<YamlNode> List(string name) => Yaml.Children.TryGetValue(name, out var list) ? (YamlSequenceNode)list : [];
}
