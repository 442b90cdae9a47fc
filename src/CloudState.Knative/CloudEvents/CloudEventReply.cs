using CloudState.Knative.Topics;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Answers an event with the reply of its rpc as another event, in binary mode. Knative's broker asks for it with <c>Prefer: reply</c>, and takes what it gets as a new event.
/// </summary>
internal static class CloudEventReply
{
    private const string Wanted = "reply";

    public static bool IsWanted(HttpRequest request) =>
        request.Headers["Prefer"].Any(preferences => preferences?.Split(',', StringSplitOptions.TrimEntries).Contains(Wanted, StringComparer.OrdinalIgnoreCase) == true);

    public static Task WriteAsync(HttpResponse response, OutgoingEvent reply)
    {
        foreach (var (name, value) in reply.Attributes.Select(OutgoingEvent.ToHeader))
        {
            response.Headers[name] = value;
        }

        response.ContentType = reply.DataContentType;
        return response.BodyWriter.WriteAsync(reply.Data.Memory).AsTask();
    }
}
