using CloudState.Knative.Faults.Cluster;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Faults.Events;

/// <summary>Takes what is published, and writes down what came first and what came again.</summary>
internal sealed class Sink : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Arrivals _arrivals;

    private Sink(WebApplication app, string url, Arrivals arrivals)
    {
        (_app, Url, _arrivals) = (app, url, arrivals);
        app.MapPost("/", TakeAsync);
    }

    public string Url { get; }

    public static async Task<Sink> StartAsync(Arrivals arrivals)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var url = $"http://127.0.0.1:{FreePorts.Next()}";
        builder.WebHost.UseUrls(url);
        var sink = new Sink(builder.Build(), url, arrivals);
        await sink._app.StartAsync();
        return sink;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new StreamReader(http.Request.Body);
        var passed = JsonParser.Default.Parse<Passed>(await body.ReadToEndAsync(http.RequestAborted));
        _arrivals.Add($"{http.Request.Headers["ce-source"]} {http.Request.Headers["ce-id"]}", passed);
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
