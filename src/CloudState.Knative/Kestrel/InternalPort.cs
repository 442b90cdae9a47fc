using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// The port on which pods talk to each other, and operators to a pod. Nothing of the service is served on it, and nothing of it on the port of the
/// service.
/// </summary>
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
            return options.Address switch
            {
                null or "" => $"{OwnHost()}:{port}",
                var address => HasPort(address) ? address : $"{address}:{port}",
            };
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

    /// <summary>Whether a request came through this port.</summary>
    public static bool Received(HttpContext http) => http.Features.Get<InternalConnection>() is not null;

    private static bool HasPort(string address) =>
        !Uri.TryCreate($"http://{address}", UriKind.Absolute, out var uri) || !uri.IsDefaultPort || address.EndsWith(":80", StringComparison.Ordinal);

    private static string OwnHost()
    {
        var addresses = NetworkInterface.GetAllNetworkInterfaces()
            .Where(network => network is { OperationalStatus: OperationalStatus.Up, NetworkInterfaceType: not NetworkInterfaceType.Loopback })
            .SelectMany(network => network.GetIPProperties().UnicastAddresses, (_, unicast) => unicast.Address)
            .Where(address => !address.IsIPv6LinkLocal)
            .ToArray();
        var own = addresses.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork)
            ?? addresses.FirstOrDefault()
            ?? IPAddress.Loopback;
        return own.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{own}]" : own.ToString();
    }

    private sealed class InternalConnection
    {
        public static InternalConnection Instance { get; } = new();
    }
}
