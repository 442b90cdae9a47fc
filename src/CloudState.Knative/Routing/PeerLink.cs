using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using CloudState.Knative.Ownership;

namespace CloudState.Knative.Routing;

/// <summary>The stream to one other pod, and the commands that wait for their outcome on it. It lives until it breaks.</summary>
internal sealed class PeerLink : IDisposable
{
    private readonly ConcurrentDictionary<ulong, TaskCompletionSource<ForwardedOutcome>> _waiting = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly PeerStream _stream = new();
    private readonly Member _peer;
    private ulong _lastCall;
    private string _whyEnded = "the other pod has ended the link";

    public PeerLink(Member peer, HttpMessageInvoker http)
    {
        _peer = peer;
        Ended = RunAsync(http);
    }

    /// <summary>Completes once the stream is broken or closed.</summary>
    public Task Ended { get; }

    /// <summary>Sends a command and waits for its outcome.</summary>
    /// <exception cref="PeerUnreachableException">The stream broke before; it is not known whether the command was run.</exception>
    public async Task<ForwardedOutcome> SendAsync(ForwardedCommand command, TimeSpan timeLeft, TimeProvider time, CancellationToken cancellationToken)
    {
        var call = Interlocked.Increment(ref _lastCall);
        var outcome = new TaskCompletionSource<ForwardedOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[call] = outcome;
        if (!_stream.Send(new PeerFrame { Call = call, Command = command }))
        {
            FailWaiting();
        }

        try
        {
            return await outcome.Task.WaitAsync(timeLeft, time, cancellationToken);
        }
        catch (Exception gaveUp) when (gaveUp is TimeoutException or OperationCanceledException)
        {
            if (_waiting.TryRemove(call, out _))
            {
                _stream.Send(new PeerFrame { Call = call, Cancel = new CancelCall() });
            }

            throw;
        }
    }

    public void Dispose() => _closed.Cancel();

    private async Task RunAsync(HttpMessageInvoker http)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_peer.Address}{PeerEndpoint.ForwardPath}")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Headers = { Authorization = new AuthenticationHeaderValue("Bearer", _peer.Secret) },
                Content = new StreamContent(_stream),
            };
            using var response = await http.SendAsync(request, _closed.Token);
            if (!response.IsSuccessStatusCode)
            {
                _whyEnded = $"it answers {(int)response.StatusCode}";
            }
            else
            {
                var input = PipeReader.Create(await response.Content.ReadAsStreamAsync(_closed.Token));
                await PeerStream.ReadAllAsync(input, Release, _closed.Token);
            }
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or InvalidDataException or OperationCanceledException)
        {
            _whyEnded = broken.Message;
        }
        finally
        {
            await _closed.CancelAsync();
            _stream.Complete();
            FailWaiting();
        }
    }

    private void Release(PeerFrame frame)
    {
        if (_waiting.TryRemove(frame.Call, out var waiting))
        {
            waiting.TrySetResult(frame.Outcome);
        }
    }

    private void FailWaiting()
    {
        foreach (var call in _waiting.Keys)
        {
            if (_waiting.TryRemove(call, out var waiting))
            {
                waiting.TrySetException(new PeerUnreachableException(_whyEnded));
            }
        }
    }

    /// <summary>A request body that goes on as long as the stream.</summary>
    private sealed class StreamContent(PeerStream stream) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream body, TransportContext? context) => SerializeToStreamAsync(body, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(Stream body, TransportContext? context, CancellationToken cancellationToken) =>
            stream.WriteAllAsync(PipeWriter.Create(body, new StreamPipeWriterOptions(leaveOpen: true)), cancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

/// <summary>A pod did not answer. It is not known what became of the command.</summary>
internal sealed class PeerUnreachableException(string message) : Exception(message);
