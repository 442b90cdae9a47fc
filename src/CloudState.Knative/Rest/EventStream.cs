using System.Buffers;
using System.IO.Pipelines;
using CloudState.Knative.Grpc;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Rest;

/// <summary>
/// A response body that turns lines of JSON into Server-Sent Events (WHATWG HTML, section 9.2), each flushed at once. What is written with
/// another status than 200 is no stream but an error, and passes as it is.
/// </summary>
/// <remarks>
/// Example: <c>{"amount":1}\n</c> leaves as <c>data: {"amount":1}\n\n</c>, and the line after <see cref="Fail"/>, a <c>google.rpc.Status</c>,
/// as <c>event: error\ndata: {"code":14,…}\n\n</c>.
/// </remarks>
internal sealed class EventStream(HttpResponse response) : Stream, IFailingResponse
{
    private readonly PipeWriter _output = response.BodyWriter;
    private readonly ArrayBufferWriter<byte> _line = new();

    // A comment must not get into an event that is being written.
    private readonly SemaphoreSlim _turn = new(1);
    private bool _isEvents;
    private bool _isFailing;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void Fail() => _isFailing = true;

    /// <summary>Writes a comment, which clients skip, if the stream has begun.</summary>
    public async Task KeepAliveAsync()
    {
        await _turn.WaitAsync();
        try
        {
            if (_isEvents)
            {
                _output.Write(":\n\n"u8);
                await _output.FlushAsync();
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Sends what is left of an error, or the headers of a stream that had no messages.</summary>
    public async Task CompleteAsync()
    {
        if (_line.WrittenCount > 0 || !response.HasStarted)
        {
            await EndLineAsync(default);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (var end = buffer.Span.IndexOf((byte)'\n'); end >= 0; end = buffer.Span.IndexOf((byte)'\n'))
        {
            _line.Write(buffer.Span[..end]);
            await EndLineAsync(cancellationToken);
            buffer = buffer[(end + 1)..];
        }

        _line.Write(buffer.Span);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _turn.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask EndLineAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (!response.HasStarted)
            {
                Start();
            }

            WriteLine();
            await _output.FlushAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Start()
    {
        if (response.StatusCode == StatusCodes.Status200OK)
        {
            _isEvents = true;
            response.ContentType = "text/event-stream";
            response.Headers.CacheControl = "no-store";
        }
    }

    private void WriteLine()
    {
        if (_line.WrittenCount == 0)
        {
            return;
        }

        _output.Write(!_isEvents ? ""u8 : _isFailing ? "event: error\ndata: "u8 : "data: "u8);
        _output.Write(_line.WrittenSpan);
        _output.Write(_isEvents ? "\n\n"u8 : "\n"u8);
        _line.ResetWrittenCount();
    }
}
