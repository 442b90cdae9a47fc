using CloudState.Knative.Grpc;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace CloudState.Knative.Rest;

/// <summary>
/// Answers a streaming rpc with Server-Sent Events when the client accepts them, else with the lines of JSON that the events are made of. A comment now and
/// then keeps proxies from cutting a quiet stream, and shows when the client is gone.
/// </summary>
internal sealed class ServerSentEvents(RequestDelegate lines, TimeSpan keepAlive, TimeProvider time)
{
    public Task HandleAsync(HttpContext http) => AcceptsEvents(http.Request) ? HandleEventsAsync(http) : lines(http);

    private static bool AcceptsEvents(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted.Any(type => type.MediaType.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    private async Task HandleEventsAsync(HttpContext http)
    {
        http.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        var body = http.Response.Body;
        await using var events = new EventStream(http.Response);
        http.Features.Set<IFailingResponse>(events);
        http.Response.Body = events;
        using var timer = new PeriodicTimer(keepAlive, time);
        var keptAlive = KeepAliveAsync(events, timer);
        try
        {
            await lines(http);
            await events.CompleteAsync();
        }
        finally
        {
            http.Response.Body = body;
            timer.Dispose();
            await keptAlive;
        }
    }

    private static async Task KeepAliveAsync(EventStream events, PeriodicTimer timer)
    {
        while (await timer.WaitForNextTickAsync())
        {
            await events.KeepAliveAsync();
        }
    }
}
