using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>A cable between two processes that can be cut, can swallow everything, and can be slow.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly int _targetPort;
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    // Completed: bytes pass. Every chunk waits for it.
    private volatile TaskCompletionSource _open = Opened();
    private long _delayTicks;

    public TcpProxy(int targetPort)
    {
        _targetPort = targetPort;
        Port = FreePorts.Next();
        Listen();
    }

    public int Port { get; }

    /// <summary>Resets the connections and refuses new ones, until <see cref="Pass"/>.</summary>
    public async Task CutAsync()
    {
        var listener = Interlocked.Exchange(ref _listener, null);
        listener?.Stop();
        await _accepting;
        foreach (var socket in _sockets.Keys)
        {
            socket.Close(0);
        }
    }

    /// <summary>Keeps connections open and accepts new ones, but delivers nothing, until <see cref="Pass"/>; what was sent arrives then.</summary>
    public void Swallow() => _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Delivers every chunk this much later.</summary>
    public void Delay(TimeSpan delay) => Interlocked.Exchange(ref _delayTicks, delay.Ticks);

    /// <summary>Ends <see cref="CutAsync"/> and <see cref="Swallow"/>.</summary>
    public void Pass()
    {
        _open.TrySetResult();
        if (_listener is null)
        {
            Listen();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        _open.TrySetResult();
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    private void Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, Port);
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Start();
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                _ = ConnectAsync(await listener.AcceptSocketAsync());
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    private async Task ConnectAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.NoDelay = server.NoDelay = true;
        _sockets[client] = _sockets[server] = true;
        try
        {
            await _open.Task;
            await server.ConnectAsync(IPAddress.Loopback, _targetPort);
            await Task.WhenAny(ForwardAsync(client, server), ForwardAsync(server, client));
        }
        catch (Exception broken) when (IsBroken(broken))
        {
        }
        finally
        {
            _sockets.TryRemove(client, out _);
            _sockets.TryRemove(server, out _);
            client.Close(0);
            server.Close(0);
        }
    }

    private async Task ForwardAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var read)
            {
                if (Interlocked.Read(ref _delayTicks) is > 0 and var ticks)
                {
                    await Task.Delay(TimeSpan.FromTicks(ticks));
                }

                await _open.Task;
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
                }
            }

            // A polite end passes like bytes do: what came before it has been delivered.
            await _open.Task;
        }
        catch (Exception broken) when (IsBroken(broken))
        {
        }
    }

    private static bool IsBroken(Exception failure) => failure is SocketException or IOException or ObjectDisposedException or InvalidOperationException;
}
