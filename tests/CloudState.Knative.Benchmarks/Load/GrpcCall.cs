using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>A call of a sample's service whose message has a single field, the user.</summary>
internal sealed record GrpcCall(string Method, string User)
{
    private const int FrameHeaderLength = 5;
    private const byte UserIdTag = (1 << 3) | 2;

    public string Service { get; init; } = "com.example.shoppingcart.ShoppingCart";

    public string Path => $"/{Service}/{Method}";

    /// <summary>The body of the request: not compressed, length, message.</summary>
    public byte[] Frame
    {
        get
        {
            var user = Encoding.UTF8.GetBytes(User);
            var frame = new byte[FrameHeaderLength + 2 + user.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), 2 + user.Length);
            frame[FrameHeaderLength] = UserIdTag;
            frame[FrameHeaderLength + 1] = checked((byte)user.Length);
            user.CopyTo(frame, FrameHeaderLength + 2);
            return frame;
        }
    }

    /// <summary>Makes the call once: h2load does not look at the status of gRPC, which comes after the body.</summary>
    /// <exception cref="InvalidOperationException">The call failed.</exception>
    public async Task VerifyAsync(Uri address, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var request = RequestTo(address);
        using var response = await http.SendAsync(request, cancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (!response.TrailingHeaders.TryGetValues("grpc-status", out var status) || status.First() != "0" || body.Length <= FrameHeaderLength)
        {
            throw new InvalidOperationException($"{Method} of {address} failed:\n{response}");
        }
    }

    /// <summary>Makes the call and hands out its replies, each until the next one comes.</summary>
    /// <exception cref="EndOfStreamException">The server has ended the stream.</exception>
    public async Task ReadStreamAsync(HttpMessageInvoker http, Uri address, Action<ReadOnlyMemory<byte>> onReply, CancellationToken cancellationToken)
    {
        using var request = RequestTo(address);
        using var response = await http.SendAsync(request, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[4096];
        while (true)
        {
            await body.ReadExactlyAsync(buffer.AsMemory(0, FrameHeaderLength), cancellationToken);
            var reply = buffer.AsMemory(0, BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(1)));
            await body.ReadExactlyAsync(reply, cancellationToken);
            onReply(reply);
        }
    }

    private HttpRequestMessage RequestTo(Uri address) => new(HttpMethod.Post, new Uri(address, Path))
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new ByteArrayContent(Frame) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        Headers = { { "te", "trailers" } },
    };
}
