using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using CloudState.Knative.FunctionalTests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>Takes events on a real socket, and answers as it is told: 202 unless told otherwise.</summary>
internal sealed class EventSink : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Channel<TakenRequest> _taken = Channel.CreateUnbounded<TakenRequest>();

    private EventSink(WebApplication app) => _app = app;

    public RequestDelegate Answer { get; set; } = http =>
    {
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        return Task.CompletedTask;
    };

    public string Address => _app.Urls.Single();

    /// <summary>How many requests came beside those that the test has looked at.</summary>
    public int Unseen => _taken.Reader.Count;

    public static async Task<EventSink> StartAsync(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        var app = builder.Build();
        var sink = new EventSink(app);
        app.Run(sink.TakeAsync);
        await app.StartAsync();
        return sink;
    }

    public async Task<TakenRequest> TakenAsync() => await _taken.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TestService.Patience);

    public void AnswerWith(int status, string body = "", string contentType = "text/plain", params (string Name, string Value)[] headers) => Answer = http =>
    {
        http.Response.StatusCode = status;
        foreach (var (name, value) in headers)
        {
            http.Response.Headers[name] = value;
        }

        http.Response.ContentType = contentType;
        return http.Response.WriteAsync(body);
    };

    /// <summary>Says nothing until the other side has gone.</summary>
    public void AnswerNever() => Answer = http => new TaskCompletionSource().Task.WaitAsync(http.RequestAborted);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        _taken.Writer.TryWrite(new TakenRequest(
            $"{http.Request.Protocol} {http.Request.Method} {http.Request.Path}{http.Request.QueryString}",
            http.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()),
            body.ToArray()));
        await Answer(http);
    }
}

internal sealed record TakenRequest(string Line, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);
}
