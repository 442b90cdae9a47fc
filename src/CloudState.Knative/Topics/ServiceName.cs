using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace CloudState.Knative.Topics;

/// <summary>What the service is called in the sources of its events.</summary>
internal sealed record ServiceName(string Value)
{
    public static ServiceName Of(EventingOptions options, IConfiguration configuration, IHostEnvironment environment) => new(
        options.ServiceName is { Length: > 0 } name ? name
        : configuration["K_SERVICE"] is { Length: > 0 } service ? service
        : environment.ApplicationName);
}
