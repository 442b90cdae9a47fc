using System.Net;
using System.Net.Sockets;
using System.Text;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>Writes to a server that is still starting, again and again, until a write is answered with 200.</summary>
internal static class FirstAnswer
{
    private const int StatusLength = 12;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(1);

    /// <exception cref="InvalidOperationException">The server ended.</exception>
    public static async Task WaitForAsync(Server server, string cart, CancellationToken cancellationToken)
    {
        var body = CartClient.BodyOf(1);
        var request = Encoding.ASCII.GetBytes(
            $"POST {server.System.Paths.WriteOf(cart)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}");
        while (!await TryAsync(server.Ports.Http, request, cancellationToken))
        {
            if (server.HasExited)
            {
                throw new InvalidOperationException($"{server.System.Name} ended instead of starting:\n{server.LastLines()}");
            }

            await Task.Delay(Interval, cancellationToken);
        }
    }

    private static async Task<bool> TryAsync(int port, byte[] request, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            await socket.SendAsync(request, cancellationToken);
            var answer = new byte[StatusLength];
            var read = 0;
            while (read < StatusLength && await socket.ReceiveAsync(answer.AsMemory(read), cancellationToken) is > 0 and var more)
            {
                read += more;
            }

            return Encoding.ASCII.GetString(answer, 0, read) == "HTTP/1.1 200";
        }
        catch (SocketException)
        {
            // Nobody listens yet.
            return false;
        }
    }
}
