// Stands in for a Knative broker where there is none, for trying out: it answers 202 at once, and delivers each event to the triggers whose type fits,
// at least once and in no order. Everything is in memory: what is under way is lost when it ends, as with Knative's in-memory channel.
//
//   Triggers:0:Url        where events go; Triggers:0:Type   which; none: all
//   Retries               attempts after the first (8)
//   BackoffDelay          pause before the first of them (00:00:00.2); it doubles with each
//   Duplicate, Reorder    the share of deliveries that are made twice, or late (0)
using System.Net;
using System.Text.Json;

var builder = WebApplication.CreateSlimBuilder(args);
var app = builder.Build();

var triggers = app.Configuration.GetSection("Triggers").GetChildren().Select(trigger => new Trigger(trigger["Type"], new Uri(trigger["Url"]!))).ToArray();
var retries = app.Configuration.GetValue("Retries", 8);
var backoffDelay = app.Configuration.GetValue("BackoffDelay", TimeSpan.FromMilliseconds(200));
var duplicate = app.Configuration.GetValue("Duplicate", 0.0);
var reorder = app.Configuration.GetValue("Reorder", 0.0);
var stopping = app.Lifetime.ApplicationStopping;
using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromMinutes(1) };

app.MapPost("/{*path}", async (HttpRequest request) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body);
    var cloudEvent = CloudEvent.Of(request.ContentType, request.Headers.Select(header => (header.Key, header.Value.ToString())), body.ToArray());
    if (cloudEvent is null)
    {
        return Results.BadRequest("This is no CloudEvent: id, source, type or specversion is missing.");
    }

    FanOut(cloudEvent);
    return Results.Accepted();
});

app.MapGet("/health", () => Results.Ok());

app.Run();

void FanOut(CloudEvent cloudEvent)
{
    foreach (var trigger in triggers.Where(trigger => string.IsNullOrEmpty(trigger.Type) || trigger.Type == cloudEvent.Type))
    {
        _ = DeliverAsync(cloudEvent, trigger);
        if (Random.Shared.NextDouble() < duplicate)
        {
            _ = DeliverAsync(cloudEvent, trigger);
        }
    }
}

async Task DeliverAsync(CloudEvent cloudEvent, Trigger trigger)
{
    try
    {
        if (Random.Shared.NextDouble() < reorder)
        {
            await Task.Delay(Random.Shared.Next(500), stopping);
        }

        for (var attempt = 0; ; attempt++)
        {
            var (isDone, isFinal, outcome) = await AttemptAsync(cloudEvent, trigger);
            if (isDone)
            {
                return;
            }

            if (isFinal || attempt == retries)
            {
                Console.WriteLine($"Dead letter: {cloudEvent.Type} {cloudEvent.Id} for {trigger.Url} after {attempt + 1} attempts: {outcome}");
                return;
            }

            await Task.Delay(backoffDelay * Math.Pow(2, attempt), stopping);
        }
    }
    catch (OperationCanceledException) when (stopping.IsCancellationRequested)
    {
    }
}

async Task<(bool IsDone, bool IsFinal, string Outcome)> AttemptAsync(CloudEvent cloudEvent, Trigger trigger)
{
    try
    {
        using var response = await http.SendAsync(cloudEvent.ToRequest(trigger.Url), stopping);
        var body = await response.Content.ReadAsByteArrayAsync(stopping);
        if (!response.IsSuccessStatusCode)
        {
            var isFinal = response.StatusCode is >= HttpStatusCode.Ambiguous and < HttpStatusCode.InternalServerError
                and not (HttpStatusCode.NotFound or HttpStatusCode.RequestTimeout or HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests);
            return (IsDone: false, isFinal, $"{(int)response.StatusCode} {System.Text.Encoding.UTF8.GetString(body)}");
        }

        var reply = CloudEvent.Of(response.Content.Headers.ContentType?.ToString(), response.Headers.Select(header => (header.Key, header.Value.First())), body);
        if (reply is not null)
        {
            FanOut(reply);
        }

        return (IsDone: reply is not null || body.Length == 0, IsFinal: false, "a reply that is no CloudEvent");
    }
    catch (Exception noAnswer) when (noAnswer is HttpRequestException || (noAnswer is OperationCanceledException && !stopping.IsCancellationRequested))
    {
        return (IsDone: false, IsFinal: false, noAnswer.Message);
    }
}

internal sealed record Trigger(string? Type, Uri Url);

/// <summary>An event as it came, in binary or structured mode.</summary>
internal sealed record CloudEvent(string Type, string Id, string? ContentType, (string Name, string Value)[] Headers, byte[] Body)
{
    /// <summary>Null when it is none, or lacks what each has.</summary>
    public static CloudEvent? Of(string? contentType, IEnumerable<(string Name, string Value)> headers, byte[] body)
    {
        var attributes = headers.Where(header => header.Name.StartsWith("ce-", StringComparison.OrdinalIgnoreCase)).ToArray();
        var find = contentType?.StartsWith("application/cloudevents+json", StringComparison.OrdinalIgnoreCase) == true
            ? FindIn(body)
            : name => attributes.FirstOrDefault(attribute => attribute.Name.Equals($"ce-{name}", StringComparison.OrdinalIgnoreCase)).Value;
        return find("type") is { Length: > 0 } type && find("id") is { Length: > 0 } id && find("source") is { Length: > 0 } && find("specversion") is { Length: > 0 }
            ? new CloudEvent(type, id, contentType, attributes, body)
            : null;
    }

    public HttpRequestMessage ToRequest(Uri url)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(Body) };
        request.Headers.Add("Prefer", "reply");
        if (ContentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
        }

        foreach (var (name, value) in Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private static Func<string, string?> FindIn(byte[] json)
    {
        try
        {
            var root = JsonElement.Parse(json);
            return name => root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (JsonException)
        {
            return _ => null;
        }
    }
}
