using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>
/// Says what a PostgreSQL says that wants a password and gets a wrong one, in its protocol (version 3): AuthenticationCleartextPassword, then an
/// ErrorResponse. The servers of the tests trust everybody.
/// </summary>
internal sealed class RefusingPostgres : IAsyncDisposable
{
    private static readonly byte[] PasswordRequest = [(byte)'R', 0, 0, 0, 8, 0, 0, 0, 3];
    private static readonly byte[] Refusal = Message('E', "SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"app\"\0\0");

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RefusingPostgres()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RefuseAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
        }
    }

    private static async Task RefuseAsync(TcpClient client)
    {
        using (client)
        {
            var (stream, buffer) = (client.GetStream(), new byte[4096]);
            try
            {
                if (await stream.ReadAsync(buffer) > 0)
                {
                    await stream.WriteAsync(PasswordRequest);
                    if (await stream.ReadAsync(buffer) > 0)
                    {
                        await stream.WriteAsync(Refusal);
                    }
                }
            }
            catch (IOException)
            {
                // The client has gone.
            }
        }
    }

    private static byte[] Message(char type, string content)
    {
        var bytes = new byte[5 + Encoding.ASCII.GetByteCount(content)];
        bytes[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), bytes.Length - 1);
        Encoding.ASCII.GetBytes(content, bytes.AsSpan(5));
        return bytes;
    }
}
