using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Threading.Channels;
using Google.Protobuf;

namespace CloudState.Knative.Routing;

/// <summary>
/// Frames in both directions between two pods. Frames that are sent while others are being written go out together, so that a busy
/// stream costs one write for many commands.
/// </summary>
internal sealed class PeerStream
{
    private const int LengthSize = 4;
    private const int MaxBatch = 64 * 1024;

    // Far above what an edge lets in; a length beyond it is no length.
    private const int MaxFrame = 1 << 30;

    private readonly Channel<PeerFrame> _outgoing = Channel.CreateUnbounded<PeerFrame>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Sends a frame, sooner or later; false once the stream is complete.</summary>
    public bool Send(PeerFrame frame) => _outgoing.Writer.TryWrite(frame);

    /// <summary>No more frames will be sent.</summary>
    public void Complete() => _outgoing.Writer.TryComplete();

    /// <summary>Writes what is sent until the stream is complete.</summary>
    public async Task WriteAllAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        // The first flush lets the peer see that there is a stream.
        await output.FlushAsync(cancellationToken);
        while (await _outgoing.Reader.WaitToReadAsync(cancellationToken))
        {
            for (var size = 0; size < MaxBatch && _outgoing.Reader.TryRead(out var frame);)
            {
                size += Write(output, frame);
            }

            if ((await output.FlushAsync(cancellationToken)).IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Hands each frame of the peer to <paramref name="handle"/>, until the peer has completed its side.</summary>
    /// <exception cref="IOException">The stream broke.</exception>
    public static async Task ReadAllAsync(PipeReader input, Action<PeerFrame> handle, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            while (TryRead(ref rest, out var frame))
            {
                handle(frame);
            }

            input.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted || read.IsCanceled)
            {
                return;
            }
        }
    }

    private static int Write(PipeWriter output, PeerFrame frame)
    {
        var size = frame.CalculateSize();
        BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(LengthSize), size);
        output.Advance(LengthSize);
        frame.WriteTo(output);
        return LengthSize + size;
    }

    private static bool TryRead(ref ReadOnlySequence<byte> buffer, out PeerFrame frame)
    {
        frame = null!;
        if (buffer.Length < LengthSize)
        {
            return false;
        }

        Span<byte> length = stackalloc byte[LengthSize];
        buffer.Slice(0, LengthSize).CopyTo(length);
        var size = BinaryPrimitives.ReadInt32BigEndian(length);
        if (size is < 0 or > MaxFrame)
        {
            throw new InvalidDataException($"A peer announced a frame of {size} bytes.");
        }

        if (buffer.Length < LengthSize + size)
        {
            return false;
        }

        frame = PeerFrame.Parser.ParseFrom(buffer.Slice(LengthSize, size));
        buffer = buffer.Slice(LengthSize + size);
        return true;
    }
}
