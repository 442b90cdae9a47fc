using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// Kestrel, made when it is started: its options need the store, and <c>builder.Build()</c> already asks for the server. The host cannot set
/// addresses, since there is one port; those in use are shown without the ghost endpoint of <see cref="SharedPort"/>.
/// </summary>
internal sealed class SharedPortServer : IServer
{
    private readonly Func<IServer> _create;
    private readonly Func<Exception, bool> _onStartFailure;
    private readonly Addresses _addresses = new();
    private IServer? _kestrel;

    private SharedPortServer(Func<IServer> create, Func<Exception, bool> onStartFailure)
    {
        (_create, _onStartFailure) = (create, onStartFailure);
        Features.Set<IServerAddressesFeature>(_addresses);
    }

    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <summary>Puts this server in front of Kestrel; leaves any other server alone.</summary>
    /// <param name="services">Of the application, with its server.</param>
    /// <param name="onStartFailure">A filter that is told of exceptions of the start.</param>
    public static void Add(IServiceCollection services, Func<Exception, bool> onStartFailure)
    {
        if (services.LastOrDefault(service => service.ServiceType == typeof(IServer)) is { ImplementationType: { } kestrel } found
            && kestrel.Assembly == typeof(KestrelServer).Assembly)
        {
            services.Remove(found);
            services.AddSingleton<IServer>(
                provider => new SharedPortServer(() => (IServer)ActivatorUtilities.CreateInstance(provider, kestrel), onStartFailure));
        }
    }

    public async Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        try
        {
            _kestrel = _create();
            await _kestrel.StartAsync(application, cancellationToken);
            _addresses.Show(_kestrel);
        }
        catch (Exception failure) when (_onStartFailure(failure))
        {
            throw;
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => _kestrel?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public void Dispose() => _kestrel?.Dispose();

    /// <summary>Read-only, so that the host adds none of its own and says so to code that wants to.</summary>
    private sealed class Addresses : IServerAddressesFeature
    {
        private readonly List<string> _inUse = [];

        public Addresses() => All = _inUse.AsReadOnly();

        public ICollection<string> All { get; }

        public bool PreferHostingUrls { get; set; }

        ICollection<string> IServerAddressesFeature.Addresses => All;

        public void Show(IServer kestrel) => _inUse.AddRange(
            kestrel.Features.Get<IServerAddressesFeature>()!.Addresses
                .Where(address => !address.EndsWith(GhostEndPoint.Name, StringComparison.Ordinal)));
    }
}
