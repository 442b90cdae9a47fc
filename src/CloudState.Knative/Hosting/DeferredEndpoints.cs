using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Primitives;

namespace CloudState.Knative.Hosting;

/// <summary>
/// Endpoints that are mapped when the service starts to serve, not when <c>Program</c> maps them: commands such as <c>--migrate</c> need neither
/// sinks nor what else serving needs.
/// </summary>
internal sealed class DeferredEndpoints : EndpointDataSource, IEndpointConventionBuilder
{
    private readonly Lazy<Endpoint[]> _endpoints;
    private readonly List<Action<EndpointBuilder>> _conventions = [];
    private readonly List<Action<EndpointBuilder>> _finalConventions = [];

    /// <param name="app">The routes of the application.</param>
    /// <param name="map">Maps the endpoints, and returns those that conventions hold for.</param>
    public DeferredEndpoints(IEndpointRouteBuilder app, Func<IEndpointRouteBuilder, IEnumerable<IEndpointConventionBuilder>> map) =>
        _endpoints = new(() =>
        {
            var routes = new Routes(app);
            foreach (var mapped in map(routes))
            {
                _conventions.ForEach(mapped.Add);
                _finalConventions.ForEach(mapped.Finally);
            }

            return [.. routes.DataSources.SelectMany(source => source.Endpoints)];
        });

    /// <exception cref="EntityDefinitionException">Classes do not fit together; the message names them and the cure.</exception>
    public override IReadOnlyList<Endpoint> Endpoints => _endpoints.Value;

    public override IChangeToken GetChangeToken() => NullChangeToken.Singleton;

    public void Add(Action<EndpointBuilder> convention) => _conventions.Add(convention);

    public void Finally(Action<EndpointBuilder> finalConvention) => _finalConventions.Add(finalConvention);

    private sealed class Routes(IEndpointRouteBuilder app) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => app.ServiceProvider;

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IApplicationBuilder CreateApplicationBuilder() => app.CreateApplicationBuilder();
    }
}

/// <summary>An endpoint of another package.</summary>
/// <param name="Name">What the landing page calls it.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Map">Maps it.</param>
internal sealed record MappedExtra(string Name, string Path, Func<IEndpointRouteBuilder, IEndpointConventionBuilder> Map);

/// <summary>What <c>Program</c> has done with the application.</summary>
internal sealed class MappedService
{
    /// <summary>What is wrong while nothing is mapped.</summary>
    public const string Missing =
        "Nothing is mapped: the service answers no calls and takes no events. Call app.UseCloudState() and app.MapCloudState() before app.RunCloudStateAsync(args).";

    /// <summary>Whether <c>UseCloudState</c> was called.</summary>
    public bool HasMiddleware { get; set; }

    /// <summary>What <c>MapCloudState</c> has mapped; null when it was not called.</summary>
    public DeferredEndpoints? Endpoints { get; set; }
}
