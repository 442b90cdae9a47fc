using System.Buffers;
using Google.Protobuf;

namespace CloudState.Knative.Routing;

/// <summary>
/// The frames that go out over a link. The thread that sends one writes it into a buffer. Frames that are sent while others are on their way go
/// out together, so that a busy link costs one write for many commands.
/// </summary>
internal sealed class PeerOutput : IThreadPoolWorkItem
{
    private const int UsualSize = 32 * 1024;
    private const int LargestKept = 8 * UsualSize;

    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _flushed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ArrayBufferWriter<byte> _sent = new(UsualSize);
    private ArrayBufferWriter<byte> _underWay = new(UsualSize);
    private Stream? _stream;
    private bool _isComplete;

    // Until there is a stream, frames are only collected.
    private bool _isFlushing = true;

    /// <summary>Lets the frames go out, also those that were sent before.</summary>
    public void Open(Stream stream)
    {
        _stream = stream;
        _ = FlushAsync();
    }

    /// <summary>Sends a frame, sooner or later; false once the output is complete.</summary>
    public bool Send(PeerFrameKind kind, ulong call = 0, IMessage? head = null, IMessage? body = null)
    {
        lock (_lock)
        {
            if (_isComplete)
            {
                return false;
            }

            PeerFrame.Write(_sent, kind, call, head, body);
            if (_isFlushing)
            {
                return true;
            }

            _isFlushing = true;
        }

        // Behind the work that waits already, whose frames may join.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    /// <summary>No more frames will be sent. Completes when all are out, or cannot go out any more.</summary>
    public Task CompleteAsync()
    {
        lock (_lock)
        {
            _isComplete = true;
            if (!_isFlushing)
            {
                _flushed.TrySetResult();
            }

            return _flushed.Task;
        }
    }

    void IThreadPoolWorkItem.Execute() => _ = FlushAsync();

    private async Task FlushAsync()
    {
        try
        {
            while (TakeSent() is { } frames)
            {
                await _stream!.WriteAsync(frames.WrittenMemory);
            }
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or InvalidOperationException)
        {
            // Who reads from the stream notices, too.
            _isComplete = true;
            _flushed.TrySetResult();
        }
    }

    private ArrayBufferWriter<byte>? TakeSent()
    {
        lock (_lock)
        {
            if (_sent.WrittenCount == 0)
            {
                _isFlushing = false;
                if (_isComplete)
                {
                    _flushed.TrySetResult();
                }

                return null;
            }

            (_sent, _underWay) = (_underWay.Capacity > LargestKept ? new(UsualSize) : _underWay, _sent);
            _sent.ResetWrittenCount();
            return _underWay;
        }
    }
}
