using Microsoft.Extensions.Configuration;

namespace CloudState.Knative.Remote;

/// <summary>Where another Knative service is.</summary>
internal static class ServiceAddress
{
    // Kubernetes puts it into every pod that has a service account.
    private const string NamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

    /// <exception cref="InvalidOperationException">The address is not configured, or is none, and this is no pod.</exception>
    public static Uri Of(string name, IConfiguration configuration)
    {
        var setting = $"CloudState:Services:{name}";
        if (configuration[setting] is { Length: > 0 } address)
        {
            return Uri.TryCreate(address, UriKind.Absolute, out var configured) && configured.Scheme is "http" or "https"
                ? configured
                : throw new InvalidOperationException($"{setting} is '{address}'. Set it to an address such as http://{name}.default.svc.cluster.local.");
        }

        return File.Exists(NamespaceFile)
            ? new Uri($"http://{name}.{File.ReadAllText(NamespaceFile).Trim()}.svc.cluster.local")
            : throw new InvalidOperationException($"Nothing says where the service {name} is. Set {setting} to its address.");
    }
}
