using CloudState.Knative.Kestrel;
using CloudState.Knative.Topics;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Testing;

/// <summary>
/// Runs a whole service in the process of the test, from its own <c>Program</c>: on a free port, with gRPC, REST and CloudEvents, and with the embedded store in memory.
/// It starts when it is first asked for what it has then: an address, a client, a service.
/// </summary>
/// <remarks>
/// The service has to call <c>UseSqlite</c>, and to give its arguments to the builder, as in <c>WebApplication.CreateBuilder(args)</c>: the settings come with them.
/// The host comes from <see cref="WebApplicationFactory{TEntryPoint}"/>, in the environment <c>Development</c>.
/// </remarks>
/// <example>
/// <code>
/// await using var service = new CloudStateApplicationFactory&lt;Program&gt; { Time = time };
/// var carts = new ShoppingCart.ShoppingCartClient(service.Channel);
/// </code>
/// </example>
/// <typeparam name="TEntryPoint">A class of the service's assembly, such as <c>Program</c>.</typeparam>
public sealed class CloudStateApplicationFactory<TEntryPoint> : IAsyncDisposable
    where TEntryPoint : class
{
    private readonly Host _host;
    private readonly Lazy<Uri> _address;
    private readonly Lazy<GrpcChannel> _channel;
    private readonly List<HttpClient> _clients = [];
    private readonly PublishedEvents _published = new();

    /// <summary>Prepares the service; it starts later.</summary>
    public CloudStateApplicationFactory()
    {
        _host = new Host(this);
        _address = new(() => new Uri($"http://localhost:{_host.Start()}"));
        _channel = new(() => GrpcChannel.ForAddress(Address));
    }

    /// <summary>Replaces services or adds some, after those of the service itself: test doubles, or a <see cref="TimeProvider"/>.</summary>
    /// <value>Default: changes nothing.</value>
    public Action<IServiceCollection> ConfigureServices { get; init; } = _ => { };

    /// <summary>Settings of the service, such as <c>CloudState:CommandTimeout</c>; they take precedence over its own.</summary>
    /// <value>Default: <c>PORT</c> is 0, a free port; the store is the embedded one, in memory; the service does not wait for clients when it stops.</value>
    public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["PORT"] = "0",
        ["CloudState:Store"] = StoreRegistration.Embedded,
        ["CloudState:Sqlite:Path"] = ":memory:",
        ["CloudState:ShutdownKeepAlive"] = "00:00:00.01",
    };

    /// <summary>
    /// The clock of the service: for timers, for the time that values live, for the idle time of entities. A fake one stands still until the test
    /// advances it.
    /// </summary>
    /// <value>Default: null, the clock that the service has.</value>
    public TimeProvider? Time { get; init; }

    /// <summary>
    /// What the service has published to topics so far, in order. Nothing is sent, and no sink is needed, unless <see cref="Settings"/> name one
    /// (<c>K_SINK</c>, or <c>CloudState:Topics:{topic}:Url</c>).
    /// </summary>
    public IReadOnlyList<PublishedEvent> Published => _published.Snapshot;

    /// <summary>Where the service listens.</summary>
    public Uri Address => _address.Value;

    /// <summary>A gRPC channel to the service; it ends with this object.</summary>
    public GrpcChannel Channel => _channel.Value;

    /// <summary>The services of the running service.</summary>
    public IServiceProvider Services
    {
        get
        {
            _ = Address;
            return _host.Services;
        }
    }

    /// <summary>Makes a client whose base address is that of the service; it ends with this object.</summary>
    public HttpClient CreateClient()
    {
        var client = new HttpClient { BaseAddress = Address };
        _clients.Add(client);
        return client;
    }

    /// <summary>Waits until the service has published enough. Events of entities are published after the reply to their command.</summary>
    /// <param name="isEnough">Gets what has been published so far.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>What has been published so far.</returns>
    public Task<IReadOnlyList<PublishedEvent>> UntilPublishedAsync(Func<IReadOnlyList<PublishedEvent>, bool> isEnough, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(isEnough);
        return _published.UntilAsync(isEnough, cancellation);
    }

    /// <summary>Stops the service.</summary>
    public ValueTask DisposeAsync()
    {
        if (_channel.IsValueCreated)
        {
            _channel.Value.Dispose();
        }

        foreach (var client in _clients)
        {
            client.Dispose();
        }

        return _host.DisposeAsync();
    }

    private sealed class Host : WebApplicationFactory<TEntryPoint>
    {
        private readonly CloudStateApplicationFactory<TEntryPoint> _factory;

        public Host(CloudStateApplicationFactory<TEntryPoint> factory)
        {
            _factory = factory;
            UseKestrel();
        }

        private static bool IsSink(string setting) =>
            setting.Equals("K_SINK", StringComparison.OrdinalIgnoreCase)
            || (setting.StartsWith("CloudState:Topics:", StringComparison.OrdinalIgnoreCase) && setting.EndsWith(":Url", StringComparison.OrdinalIgnoreCase));

        /// <summary>Returns the port.</summary>
        public int Start()
        {
            StartServer();
            var addresses = Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
            return addresses.Select(address => new Uri(address)).First(address => address.Host != GhostEndPoint.Name).Port;
        }

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach (var (name, value) in _factory.Settings)
            {
                builder.UseSetting(name, value);
            }

            builder.ConfigureTestServices(services =>
            {
                if (!_factory.Settings.Keys.Any(IsSink))
                {
                    services.AddSingleton(new CollectedEvents(_factory._published.Add));
                }

                if (_factory.Time is { } time)
                {
                    services.AddSingleton(time);
                }

                _factory.ConfigureServices(services);
            });
        }
    }
}
