using CloudNative.CloudEvents.Http;
using CloudState.Knative.ProtobufJson;
using CloudState.Knative.Runtime;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Answers an event with the reply of its rpc as another event, in binary mode. Knative's broker asks for it with <c>Prefer: reply</c>, and takes what it gets as a new event.
/// </summary>
internal static class CloudEventReply
{
    private const string Wanted = "reply";

    /// <summary>Not when the rpc has nothing to say.</summary>
    public static bool IsWanted(HttpRequest request, CommandOutcome outcome) =>
        outcome.Reply is not Empty
        && request.Headers["Prefer"].Any(preferences => preferences?.Split(',', StringSplitOptions.TrimEntries).Contains(Wanted, StringComparer.OrdinalIgnoreCase) == true);

    public static Task WriteAsync(HttpResponse response, CloudEventCall call, CommandOutcome outcome)
    {
        var reply = outcome.Reply!.Descriptor;
        Header("specversion", "1.0");
        Header("id", call.CommandId);
        Header("source", $"/{call.Call.Method}");
        Header("type", reply.FullName);
        if (call.Call.Metadata.CloudEvent?.Subject is { } subject)
        {
            Header("subject", subject);
        }

        response.ContentType = "application/json";
        return response.BodyWriter.WriteAsync(new MessageCodec(reply, reply.File).Write(outcome.Reply)).AsTask();

        void Header(string attribute, string value) => response.Headers[CloudEventMetadata.Prefix + attribute] = HttpUtilities.EncodeHeaderValue(value);
    }
}
