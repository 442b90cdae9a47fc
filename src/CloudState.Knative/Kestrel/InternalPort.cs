using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CloudState.Knative.Cluster;
using CloudState.Knative.Management;
using CloudState.Knative.Routing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Kestrel;

/// <summary>The port on which pods talk to each other, and people to a pod. Nothing of the service is served on it, and nothing of it on the port of the service.</summary>
internal sealed class InternalPort(ClusterOptions options, bool isOnKnative)
{
    private const int DefaultPort = 8081;

    private ListenOptions? _endpoint;

    /// <summary>Where the other pods reach this port. Known once the server has started.</summary>
    public string Address
    {
        get
        {
            var port = _endpoint!.IPEndPoint!.Port;
            return options.Address is not { Length: > 0 } address ? $"{OwnHost()}:{port}"
                : Uri.TryCreate($"http://{address}", UriKind.Absolute, out var uri) && uri.IsDefaultPort && !address.EndsWith(":80", StringComparison.Ordinal) ? $"{address}:{port}"
                : address;
        }
    }

    public void Listen(SharedPort sharedPort) => sharedPort.Listen(options.Port ?? (isOnKnative ? DefaultPort : 0), endpoint =>
    {
        _endpoint = endpoint;
        ((IConnectionBuilder)endpoint).Use(next => connection =>
        {
            connection.Features.Set(InternalConnection.Instance);
            return next(connection);
        });
    });

    public static void Map(WebApplication app)
    {
        var peers = app.Services.GetRequiredService<PeerEndpoint>();
        var state = app.Services.GetRequiredService<ClusterState>();
        var parked = app.Services.GetRequiredService<ParkedEndpoint>();
        app.MapWhen(
            http => http.Features.Get<InternalConnection>() is not null,
            ports => ports.Run(http => (http.Request.Method, http.Request.Path.Value) switch
            {
                ("GET", PeerEndpoint.ForwardPath) => peers.HandleAsync(http),
                ("GET", ClusterReport.Path) => http.Response.WriteAsJsonAsync(ClusterReport.Of(state), ClusterJson.Default.ClusterReport, cancellationToken: http.RequestAborted),
                ("GET", ParkedEndpoint.Path) => parked.ListAsync(http),
                ("POST", ParkedEndpoint.RetryPath) => parked.RetryAsync(http),
                ("POST", ParkedEndpoint.DiscardPath) => parked.DiscardAsync(http),
                _ => NotFound(http),
            }));
    }

    private static Task NotFound(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static string OwnHost()
    {
        var addresses = NetworkInterface.GetAllNetworkInterfaces()
            .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(network => network.GetIPProperties().UnicastAddresses, (_, unicast) => unicast.Address)
            .Where(address => !address.IsIPv6LinkLocal)
            .ToArray();
        var own = addresses.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault() ?? IPAddress.Loopback;
        return own.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{own}]" : own.ToString();
    }

    private sealed class InternalConnection
    {
        public static InternalConnection Instance { get; } = new();
    }
}
