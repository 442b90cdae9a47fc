using Microsoft.AspNetCore.Connections;

namespace CloudState.Knative.Routing;

/// <summary>The frames that come in over a link.</summary>
internal static class PeerInput
{
    private const int UsualSize = 32 * 1024;

    /// <summary>Hands each frame to <paramref name="handle"/>, which must not block and must not keep its bytes, until the peer has ended its side.</summary>
    /// <exception cref="IOException">The link broke.</exception>
    /// <exception cref="InvalidDataException">The peer sends something else.</exception>
    public static async Task ReadAllAsync(Stream stream, Action<PeerFrame> handle, CancellationToken cancellationToken)
    {
        var buffer = new byte[UsualSize];
        var filled = 0;
        while (true)
        {
            var received = await ReadAsync(stream, buffer.AsMemory(filled), cancellationToken);
            if (received == 0)
            {
                return;
            }

            filled += received;
            var rest = HandleAll(buffer.AsSpan(0, filled), handle);

            // What has come of a frame stays at the start of a buffer that has room for more; it grows with what comes, whatever was announced.
            var next = rest == buffer.Length ? new byte[Math.Min(2L * rest, Array.MaxLength)] : rest < UsualSize && buffer.Length > UsualSize ? new byte[UsualSize] : buffer;
            buffer.AsSpan(filled - rest, rest).CopyTo(next);
            (buffer, filled) = (next, rest);
        }
    }

    /// <summary>Returns how much is left.</summary>
    private static int HandleAll(ReadOnlySpan<byte> received, Action<PeerFrame> handle)
    {
        while (PeerFrame.TryTake(ref received, out var frame))
        {
            handle(frame);
        }

        return received.Length;
    }

    private static async ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await stream.ReadAsync(buffer, cancellationToken);
            }
            catch (OperationCanceledException interrupted) when (!cancellationToken.IsCancellationRequested && interrupted is not ConnectionAbortedException)
            {
                // Kestrel does this once to every connection when it stops; there are outcomes to come.
            }
        }
    }
}
