using System.Collections.Frozen;
using System.Diagnostics;
using System.Net.Mime;
using System.Text;
using CloudNative.CloudEvents;
using CloudState.Knative.Actions;
using CloudState.Knative.Effects;
using CloudState.Knative.Entities;
using CloudState.Knative.Routing;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Turns a CloudEvent into a call of an rpc. Its <c>type</c> picks the rpc, by the full name of the rpc's input message or as
/// <c>package.Service/Method</c>; its <c>subject</c> is the entity key when the message has none; its <c>source</c> and <c>id</c>
/// together are the command id.
/// </summary>
internal sealed class CloudEventRoutes
{
    private static readonly JsonParser JsonParser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private readonly FrozenDictionary<string, Route[]> _byType;

    public CloudEventRoutes(EntityDefinitions entities, ActionDefinitions actions) => _byType = entities.Commands
        .Select(pair => new Route(pair.Command.FullName, pair.Command.Rpc, pair.Command.Key))
        .Concat(actions.Methods.Select(method => new Route(method.FullName, method.Rpc, Key: null)))
        .Where(route => route.Rpc is { IsClientStreaming: false, IsServerStreaming: false })
        .SelectMany(route => new[] { (Type: route.Method, Route: route), (Type: route.Rpc.InputType.FullName, Route: route) })
        .GroupBy(entry => entry.Type, entry => entry.Route)
        .ToFrozenDictionary(group => group.Key, group => group.ToArray());

    /// <exception cref="CloudEventException">No call can be made of the event.</exception>
    public CloudEventCall ToCall(CloudEvent cloudEvent, CommandMetadata metadata, CancellationToken callCancelled)
    {
        var route = FindRoute(cloudEvent.Type!);
        var message = ReadData(cloudEvent, route.Rpc.InputType);
        if (route.Key is { } key && key.Read(message).Length == 0 && cloudEvent.Subject is { Length: > 0 } subject && !key.TryWrite(message, subject))
        {
            throw BadRequest($"The subject '{subject}' is no entity key of {route.Rpc.InputType.FullName}. Set in the data: {key}.");
        }

        // A source is a URI reference and holds no space: the two parts cannot be confused.
        return new CloudEventCall(
            new OutgoingCall(route.Method, message.ToByteString(), metadata),
            $"{cloudEvent.Source} {cloudEvent.Id}",
            new CallScope { CallCancelled = callCancelled, Trace = TraceOf(cloudEvent) });
    }

    private Route FindRoute(string type)
    {
        if (!_byType.TryGetValue(type, out var candidates))
        {
            throw BadRequest($"No rpc takes events of type '{type}'. Known types: {string.Join(", ", _byType.Keys.Order())}.");
        }

        return candidates is [var only]
            ? only
            : throw BadRequest($"Several rpcs take '{type}'. Send one of the types {string.Join(", ", candidates.Select(candidate => candidate.Method))}.");
    }

    private static IMessage ReadData(CloudEvent cloudEvent, MessageDescriptor input)
    {
        var bytes = cloudEvent.Data switch
        {
            byte[] binary => binary,
            string text => Encoding.UTF8.GetBytes(text),
            null => [],
            _ => throw BadRequest($"The data of event '{cloudEvent.Id}' is of no known form."),
        };

        try
        {
            switch (MediaTypeOf(cloudEvent))
            {
                case "application/protobuf" or "application/x-protobuf" or "application/vnd.google.protobuf":
                    return input.Parser.ParseFrom(bytes);
                case var json when json is "application/json" or "text/json" || json.EndsWith("+json", StringComparison.Ordinal):
                    return bytes.Length == 0 ? input.Parser.ParseFrom(bytes) : JsonParser.Parse(new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes), input);
                case var other:
                    throw new CloudEventException(StatusCodes.Status415UnsupportedMediaType, $"The data of event '{cloudEvent.Id}' is {other}. Send application/json or application/protobuf.");
            }
        }
        catch (Exception invalid) when (invalid is IOException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw BadRequest($"The data of event '{cloudEvent.Id}' is no {input.FullName}: {invalid.Message}");
        }
    }

    private static string MediaTypeOf(CloudEvent cloudEvent)
    {
        try
        {
            return string.IsNullOrEmpty(cloudEvent.DataContentType)
                ? "application/json"
                : new ContentType(cloudEvent.DataContentType).MediaType.ToLowerInvariant();
        }
        catch (FormatException)
        {
            throw BadRequest($"The datacontenttype '{cloudEvent.DataContentType}' is not a media type.");
        }
    }

    private static ActivityContext TraceOf(CloudEvent cloudEvent) =>
        ActivityContext.TryParse(cloudEvent["traceparent"] as string, cloudEvent["tracestate"] as string, isRemote: true, out var trace)
            ? trace
            : Activity.Current?.Context ?? default;

    private static CloudEventException BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);

    /// <summary>An rpc that takes events; the key is null when an action answers it.</summary>
    private sealed record Route(string Method, MethodDescriptor Rpc, EntityKeyFields? Key);
}

/// <summary>The call that an event is for, and the id under which it takes effect once.</summary>
internal sealed record CloudEventCall(OutgoingCall Call, string CommandId, CallScope Scope);
