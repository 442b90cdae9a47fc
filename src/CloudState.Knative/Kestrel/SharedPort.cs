using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// HTTP/1.1 and HTTP/2 with prior knowledge on one cleartext port, which Knative needs and Kestrel does not offer.
/// </summary>
/// <remarks>
/// Kestrel builds one pipeline per endpoint and protocol. A ghost endpoint that never accepts a connection makes it build the HTTP/1.1
/// pipeline; <see cref="CaptureHttp1"/>, the ghost's last middleware-like step, keeps that pipeline. The real endpoint speaks HTTP/2; its
/// first middleware looks at the bytes of a new connection until they differ from the HTTP/2 preface (RFC 9113, section 3.4)
/// or are all of it, puts them back, and runs the one or the other pipeline.
/// Example: "GET / HT" differs at the first byte: HTTP/1.1. "PRI * H" might become either: read on.
/// </remarks>
internal sealed class SharedPort
{
    private readonly KestrelServerOptions _kestrel;
    private readonly TimeSpan _detectionTimeout;
    private readonly TimeSpan _closeDelay;
    private readonly TimeProvider _time;
    private readonly Func<ConnectionLimit> _newLimit;
    private ConnectionDelegate? _http1;

    /// <summary>Create before any other Kestrel endpoint.</summary>
    public SharedPort(KestrelServerOptions kestrel, TimeSpan detectionTimeout, TimeSpan closeDelay, Func<ConnectionLimit> newLimit, TimeProvider time)
    {
        _newLimit = newLimit;
        _kestrel = kestrel;
        _closeDelay = closeDelay;
        _detectionTimeout = detectionTimeout;
        _time = time;
        kestrel.Listen(new GhostEndPoint(), ghost =>
        {
            ghost.Protocols = HttpProtocols.Http1;
            ((IConnectionBuilder)ghost).Use(CaptureHttp1);
        });
    }

    private static ReadOnlySpan<byte> Http2Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public void Listen(int port, Action<ListenOptions>? configure = null) => _kestrel.ListenAnyIP(port, endpoint =>
    {
        endpoint.Protocols = HttpProtocols.Http2;
        ((IConnectionBuilder)endpoint).Use(_newLimit().Limit);
        configure?.Invoke(endpoint);
        ((IConnectionBuilder)endpoint).Use(Route);
    });

    private ConnectionDelegate CaptureHttp1(ConnectionDelegate http1)
    {
        _http1 = http1;
        return http1;
    }

    private ConnectionDelegate Route(ConnectionDelegate http2) => async connection =>
    {
        switch (await DetectAsync(connection))
        {
            case true:
                await http2(connection);
                break;
            case false:
                using (GracefulClose.Delay(connection, _closeDelay, _time))
                {
                    await _http1!(connection);
                }

                break;
        }
    };

    /// <summary>True for HTTP/2, false for HTTP/1.1, null on disconnect or detection timeout, which is shorter during shutdown.</summary>
    private async Task<bool?> DetectAsync(ConnectionContext connection)
    {
        using var timeout = new CancellationTokenSource(_detectionTimeout, _time);
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        await using var stop = stopping.Register(() => timeout.CancelAfter(_closeDelay));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, connection.ConnectionClosed);
        var input = connection.Transport.Input;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(either.Token);
                var detected = Detect(read.Buffer);
                var consumed = read.Buffer.Start;
                input.AdvanceTo(consumed, detected is null ? read.Buffer.End : consumed);
                if (detected is not null || read.IsCompleted)
                {
                    return detected;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool? Detect(ReadOnlySequence<byte> received)
    {
        Span<byte> start = stackalloc byte[Http2Preface.Length];
        var length = (int)Math.Min(received.Length, start.Length);
        received.Slice(0, length).CopyTo(start);
        if (!Http2Preface.StartsWith(start[..length]))
        {
            return false;
        }

        return length == Http2Preface.Length ? true : null;
    }
}

/// <summary>An address without connections.</summary>
internal sealed class GhostEndPoint : EndPoint
{
    /// <summary>How Kestrel lists it among its addresses.</summary>
    public const string Name = "the-same-port-for-http-1.1";

    public override string ToString() => Name;
}

/// <summary>Listens at the ghost endpoint: never accepts.</summary>
internal sealed class GhostListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is GhostEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new(new GhostListener(endpoint));

    private sealed class GhostListener(EndPoint endPoint) : IConnectionListener
    {
        private readonly TaskCompletionSource<ConnectionContext?> _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint => endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await _unbound.Task.WaitAsync(cancellationToken);

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            _unbound.TrySetResult(null);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
