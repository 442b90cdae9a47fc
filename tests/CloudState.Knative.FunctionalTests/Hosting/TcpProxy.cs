using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>Stands between a service and its database, and can be cut like a cable.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly IPEndPoint _target;
    private readonly ConcurrentDictionary<TcpClient, bool> _connections = new();
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    public TcpProxy(IPEndPoint target)
    {
        _target = target;
        Restore();
    }

    public int Port { get; private set; }

    /// <summary>Refuses new connections and breaks those that are open.</summary>
    public async Task CutAsync()
    {
        _listener?.Stop();
        await _accepting;
        foreach (var connection in _connections.Keys)
        {
            connection.Client?.Close(0);
            connection.Dispose();
        }

        _connections.Clear();
    }

    public void Restore()
    {
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    public async ValueTask DisposeAsync() => await CutAsync();

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                _ = ForwardAsync(await listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(_target);
            _connections[client] = true;
            _connections[server] = true;
            await Task.WhenAny(
                client.GetStream().CopyToAsync(server.GetStream()),
                server.GetStream().CopyToAsync(client.GetStream()));
        }
        catch (Exception broken) when (broken is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
        }
        finally
        {
            _connections.TryRemove(client, out _);
            _connections.TryRemove(server, out _);
            client.Dispose();
        }
    }
}
