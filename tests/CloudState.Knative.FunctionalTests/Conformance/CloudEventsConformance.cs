using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using CloudState.Knative.FunctionalTests.Hosting;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>A receiver of CloudEvents, and a valid event of which each test changes what it is about.</summary>
public abstract class CloudEventsConformance : IAsyncLifetime
{
    private protected const string Reading = "cloudstate.tests.receiver.Reading";

    private static readonly string[] BinaryEvent =
    [
        "ce-specversion: 1.0", "ce-id: 1", "ce-source: /test", $"ce-type: {Reading}", "ce-subject: s1", "Content-Type: application/json",
    ];

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ReceivedEvents _received = new();
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await ReceivedEvents.StartServiceAsync(_received);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _service.DisposeAsync();
    }

    /// <summary>The headers of the event with these changes: <c>name: value</c> sets, <c>name</c> removes.</summary>
    private protected static string[] Binary(params string[] changes)
    {
        var changed = changes.Select(NameOf).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return [.. BinaryEvent.Where(header => !changed.Contains(NameOf(header))), .. changes.Where(change => change.Contains(':', StringComparison.Ordinal))];

        static string NameOf(string header) => header.Split(':', 2)[0];
    }

    /// <summary>The event as JSON with these members, given as JSON, and without one.</summary>
    private protected static string Structured(string members, string without = "")
    {
        var cloudEvent = JsonNode.Parse($$"""{"specversion":"1.0","id":"1","source":"/test","type":"{{Reading}}","subject":"s1"}""")!.AsObject();
        cloudEvent.Remove(without);
        foreach (var (name, value) in JsonNode.Parse(members)!.AsObject())
        {
            cloudEvent[name] = value?.DeepClone();
        }

        return cloudEvent.ToJsonString(Relaxed);
    }

    private protected Task<(RawHttp.Answer Answer, List<(CloudEventMetadata Event, string Data)> Received)> PostAsync(string[] headers) => PostAsync(headers, """{"sensor":"s1","number":1}"""u8.ToArray());

    private protected Task<(RawHttp.Answer Answer, List<(CloudEventMetadata Event, string Data)> Received)> PostAsync(string contentType, string body) =>
        PostAsync([$"Content-Type: {contentType}"], Encoding.UTF8.GetBytes(body));

    private protected Task<(RawHttp.Answer Answer, List<(CloudEventMetadata Event, string Data)> Received)> PostAsync(string[] headers, byte[]? body) => SendAsync("POST", headers, body);

    private protected async Task<(RawHttp.Answer Answer, List<(CloudEventMetadata Event, string Data)> Received)> SendAsync(string verb, string[] headers, byte[]? body) =>
        (await RawHttp.SendAsync(_service, verb, "/", headers, body), _received.All);
}
