using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Outbox;
using Grpc.Core;

namespace CloudState.Knative.Topics;

/// <summary>
/// The topics that the service publishes to. Each has a sink, which takes CloudEvents over HTTP: the one at <c>CloudState:Topics:{topic}:Url</c>, else that of a SinkBinding.
/// An attempt is made once; whether there is another one is for the caller to decide.
/// </summary>
/// <param name="topics">Settings by topic.</param>
/// <param name="options">Settings for all.</param>
/// <param name="binding">The sink of topics that have none of their own.</param>
/// <param name="development">Prints the events of topics without a sink, in development; null elsewhere.</param>
/// <param name="tests">Collects the events of all topics, in tests; null elsewhere.</param>
/// <param name="time">The clock.</param>
internal sealed class TopicSinks(
    IReadOnlyDictionary<string, TopicOptions> topics,
    EventingOptions options,
    SinkBinding binding,
    PrintedEvents? development,
    CollectedEvents? tests,
    TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, TopicSink?> _sinks = new();
    private readonly Lazy<HttpMessageInvoker> _http = new(() => CreateHttp(trust: null));
    private readonly Lazy<TopicSink> _boundSink = new(() => CreateBoundSink(binding));

    /// <summary>Finds the sinks of topics, at start.</summary>
    /// <exception cref="InvalidOperationException">A topic has none; the message says what to set.</exception>
    public void Check(IEnumerable<string> topics)
    {
        foreach (var topic in tests is null ? topics : [])
        {
            if (Find(topic) is null)
            {
                development!.Warn(NoSink(topic));
            }
        }
    }

    /// <summary>Sends an event once, as the child of a span of the attempt.</summary>
    /// <exception cref="InvalidOperationException">The topic has no sink; see <see cref="Check"/>.</exception>
    /// <exception cref="OperationCanceledException">The caller has cancelled. It is not known whether the event was taken.</exception>
    public async Task<DeliveryResult> PublishAsync(string topic, OutgoingEvent published, CancellationToken cancellation)
    {
        if (tests is not null)
        {
            return tests.Collect(topic, published);
        }

        if (Find(topic) is not { } sink)
        {
            return development!.Print(topic, published);
        }

        using var span = CloudStateTelemetry.StartPublish(topic, published.Id, published.Trace);
        var result = await SendAsync(topic, sink, span is null ? published : published with { Trace = span.Context }, cancellation);
        CloudStateTelemetry.Published(span, topic, result.Status.StatusCode.ToString(), result.Status.StatusCode == StatusCode.OK ? null : result.Status.Detail);
        return result;
    }

    public void Dispose()
    {
        foreach (var sink in _sinks.Values)
        {
            sink?.Http.Dispose();
        }
    }

    private async Task<DeliveryResult> SendAsync(string topic, TopicSink sink, OutgoingEvent published, CancellationToken cancellation)
    {
        var name = $"The topic '{topic}' at {sink.Address}";
        using var timeout = new CancellationTokenSource(options.PublishTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellation);
        try
        {
            using var request = sink.ToRequest(published);
            using var answer = await sink.Http.SendAsync(request, either.Token);
            var status = SinkAnswer.StatusOf(answer.StatusCode);
            return status == StatusCode.OK
                ? DeliveryResult.Delivered
                : new DeliveryResult(
                    new Status(status, $"{name} answered {await SinkAnswer.DescribeAsync(answer, either.Token)}"),
                    SinkAnswer.RetryAfterOf(answer, time.GetUtcNow()))
                {
                    IsTimeout = SinkAnswer.IsTimeout(answer.StatusCode) && answer.Headers.RetryAfter is null,
                };
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return DeliveryResult.Failed(
                StatusCode.DeadlineExceeded, $"{name} did not answer within {options.PublishTimeout}. It is not known whether it took the event.") with
            { IsTimeout = true };
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException || (failed is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return DeliveryResult.Failed(StatusCode.Unavailable, $"{name} cannot be reached: {failed.GetBaseException().Message}");
        }
    }

    /// <summary>Null when there is none, in development.</summary>
    private TopicSink? Find(string topic) => _sinks.GetOrAdd(topic, static (topic, sinks) => sinks.CreateSink(topic), this);

    private static string NoSink(string topic) =>
        $"Nothing says where events of the topic '{topic}' go. Set CloudState__Topics__{topic}__Url to the address of its sink, or K_SINK to that of all topics, which a SinkBinding does.";

    private TopicSink? CreateSink(string topic) =>
        topics.GetValueOrDefault(topic)?.Url is { Length: > 0 } url
            ? new TopicSink(ToAddress(url, $"CloudState:Topics:{topic}:Url"), new Dictionary<string, string>(), _http.Value)
            : binding.Url is not null
                ? _boundSink.Value
                : development is null ? throw new InvalidOperationException(NoSink(topic)) : null;

    private static TopicSink CreateBoundSink(SinkBinding binding)
    {
        var url = ToAddress(binding.Url!, "K_SINK");
        return new TopicSink(url, binding.ReadOverrides(), CreateHttp(url.Scheme == Uri.UriSchemeHttps ? binding.ReadTrust() : null));
    }

    private static Uri ToAddress(string url, string setting) =>
        Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new InvalidOperationException($"{setting} is '{url}'. Set it to an address such as http://broker-ingress.knative-eventing.svc.cluster.local/default/default.");

    private static HttpMessageInvoker CreateHttp(RemoteCertificateValidationCallback? trust)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = ConnectTimeout,
            ConnectCallback = ConnectAsync,
            // Sinks move; their names are looked up again then.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            UseCookies = false,
        };
        if (trust is not null)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = trust;
        }

        return new HttpMessageInvoker(handler);
    }

    /// <summary>Connects as usual. An answer may take minutes, in which keep-alives tell whether the sink is still there.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 15);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
