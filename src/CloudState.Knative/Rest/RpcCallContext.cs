using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Rest;

/// <summary>What interceptors see of a call that comes as JSON to the path of its rpc.</summary>
internal sealed class RpcCallContext : ServerCallContext
{
    private readonly HttpContext _http;
    private Metadata? _requestHeaders;

    public RpcCallContext(HttpContext http, string method)
    {
        _http = http;
        MethodCore = method;

        // Where GetHttpContext looks.
        http.Items["__HttpContext"] = http;
    }

    protected override string MethodCore { get; }

    protected override string HostCore => _http.Request.Host.Value ?? "";

    protected override string PeerCore => $"{_http.Connection.RemoteIpAddress}:{_http.Connection.RemotePort}";

    protected override DateTime DeadlineCore => DateTime.MaxValue;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadHeaders(_http.Request.Headers);

    protected override CancellationToken CancellationTokenCore => _http.RequestAborted;

    protected override Metadata ResponseTrailersCore { get; } = [];

    protected override Status StatusCore { get; set; }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore { get; } = new(null, []);

    protected override IDictionary<object, object> UserStateCore => _http.Items!;

    protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => throw new NotSupportedException();

    /// <summary>They leave with the first message, so that a failure before it still has its HTTP status.</summary>
    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders)
    {
        foreach (var header in responseHeaders)
        {
            _http.Response.Headers.Append(header.Key, header.IsBinary ? Convert.ToBase64String(header.ValueBytes) : header.Value);
        }

        return Task.CompletedTask;
    }

    private static Metadata ReadHeaders(IHeaderDictionary headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.Where(header => header.Key.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')))
        {
            foreach (var value in values.OfType<string>())
            {
                metadata.Add(name.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.OrdinalIgnoreCase)
                    ? new Metadata.Entry(name, FromBase64(name, value))
                    : new Metadata.Entry(name, value));
            }
        }

        return metadata;
    }

    private static byte[] FromBase64(string name, string value)
    {
        try
        {
            return Convert.FromBase64String(value);
        }
        catch (FormatException)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"The header {name} holds no base64."));
        }
    }
}
