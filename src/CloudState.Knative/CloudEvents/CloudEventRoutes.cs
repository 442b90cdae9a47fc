using System.Collections.Frozen;
using System.Diagnostics;
using System.Net.Mime;
using System.Text;
using CloudNative.CloudEvents;
using CloudState.Knative.Entities;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// Turns a CloudEvent into a command. Its <c>type</c> picks the rpc, by the full name of the rpc's input message or as
/// <c>package.Service/Method</c>; its <c>subject</c> is the entity key when the message has none; its <c>source</c> and <c>id</c>
/// together are the command id.
/// </summary>
internal sealed class CloudEventRoutes
{
    private static readonly JsonParser JsonParser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private readonly FrozenDictionary<string, (EntityDefinition Entity, CommandDefinition Command)[]> _byType;

    public CloudEventRoutes(EntityDefinitions definitions) => _byType = definitions.Commands
        .Where(pair => !pair.Command.IsStreaming)
        .SelectMany(pair => new[] { (Type: pair.Command.FullName, Pair: pair), (Type: pair.Command.Rpc.InputType.FullName, Pair: pair) })
        .GroupBy(entry => entry.Type, entry => entry.Pair)
        .ToFrozenDictionary(group => group.Key, group => group.ToArray());

    /// <exception cref="CloudEventException">No command can be made of the event.</exception>
    public Command ToCommand(CloudEvent cloudEvent, CommandMetadata metadata, CancellationToken callCancelled)
    {
        var (entity, definition) = FindCommand(cloudEvent.Type!);
        var message = ReadData(cloudEvent, definition);
        if (definition.Key.Read(message).Length == 0 && cloudEvent.Subject is { Length: > 0 } subject && !definition.Key.TryWrite(message, subject))
        {
            throw BadRequest($"The subject '{subject}' is no entity key of {definition.Rpc.InputType.FullName}. Set in the data: {definition.Key}.");
        }

        return new Command
        {
            Definition = definition,
            Key = new EntityKey(entity.EntityType, definition.Key.Read(message)),
            Message = message,
            Metadata = metadata,
            // A source is a URI reference and holds no space: the two parts cannot be confused.
            CommandId = $"{cloudEvent.Source} {cloudEvent.Id}",
            CallCancelled = callCancelled,
            Trace = TraceOf(cloudEvent),
        };
    }

    private (EntityDefinition Entity, CommandDefinition Command) FindCommand(string type)
    {
        if (!_byType.TryGetValue(type, out var candidates))
        {
            throw BadRequest($"No rpc takes events of type '{type}'. Known types: {string.Join(", ", _byType.Keys.Order())}.");
        }

        return candidates is [var only]
            ? only
            : throw BadRequest($"Several rpcs take '{type}'. Send one of the types {string.Join(", ", candidates.Select(candidate => candidate.Command.FullName))}.");
    }

    private static IMessage ReadData(CloudEvent cloudEvent, CommandDefinition definition)
    {
        var input = definition.Rpc.InputType;
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
}
