using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>Stands between a service and its database, counts what it costs to ask that, and can be cut like a cable.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly IPEndPoint _target;
    private readonly ConcurrentDictionary<TcpClient, bool> _connections = new();
    private readonly ConcurrentQueue<StrongBox<int>> _roundTrips = new();
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    public TcpProxy(IPEndPoint target)
    {
        _target = target;
        Restore();
    }

    public int Port { get; private set; }

    /// <summary>Of each connection, in the order of their opening: how often the client has sent something first, or after an answer.</summary>
    public IReadOnlyList<int> RoundTrips => [.. _roundTrips.Select(count => Volatile.Read(ref count.Value))];

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
            var roundTrips = new StrongBox<int>();
            _roundTrips.Enqueue(roundTrips);
            var isClientsTurn = 1;
            await Task.WhenAny(
                CopyAsync(client.GetStream(), server.GetStream(), () =>
                {
                    if (Interlocked.Exchange(ref isClientsTurn, 0) == 1)
                    {
                        Interlocked.Increment(ref roundTrips.Value);
                    }
                }),
                CopyAsync(server.GetStream(), client.GetStream(), () => Volatile.Write(ref isClientsTurn, 1)));
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

    private static async Task CopyAsync(NetworkStream from, NetworkStream to, Action beforeSending)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReadAsync(buffer) is > 0 and var length)
        {
            beforeSending();
            await to.WriteAsync(buffer.AsMemory(0, length));
        }
    }
}
