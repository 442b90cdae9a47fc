using CloudNative.CloudEvents;

namespace CloudState.Knative.Topics;

/// <summary>The attributes that a handler gives the event of its reply, as reply metadata named <c>ce-…</c>.</summary>
internal static class ReplyAttributes
{
    /// <exception cref="InvalidOperationException">An entry is no attribute, or one that is not for the handler to choose.</exception>
    public static OutgoingEvent Apply(OutgoingEvent published, string method, IReadOnlyList<KeyValuePair<string, string>> replyMetadata)
    {
        var chosen = new CloudEvent(CloudEventsSpecVersion.V1_0);
        foreach (var (name, value) in replyMetadata)
        {
            if (name.StartsWith(CloudEventMetadata.Prefix, StringComparison.OrdinalIgnoreCase))
            {
                Set(chosen, name[CloudEventMetadata.Prefix.Length..].ToLowerInvariant(), value, method);
            }
        }

        return published with
        {
            Type = chosen.Type ?? published.Type,
            Source = chosen.Source?.OriginalString ?? published.Source,
            Subject = chosen.Subject ?? published.Subject,
            Time = chosen.Time?.ToUniversalTime() ?? published.Time,
            PartitionKey = chosen["partitionkey"] as string ?? published.PartitionKey,
            Extensions = [.. chosen.GetPopulatedAttributes().Where(IsFurther).Select(attribute => KeyValuePair.Create(attribute.Key.Name, attribute.Key.Format(attribute.Value)))],
        };
    }

    private static bool IsFurther(KeyValuePair<CloudEventAttribute, object> attribute) =>
        attribute.Key.Name is not ("type" or "source" or "subject" or "time" or "partitionkey");

    private static void Set(CloudEvent chosen, string attribute, string value, string method)
    {
        if (attribute is "id" or "specversion" or "datacontenttype" or "traceparent" or "tracestate")
        {
            throw new InvalidOperationException($"The reply metadata of {method} has '{CloudEventMetadata.Prefix}{attribute}', an attribute of events that cannot be changed. Leave it out.");
        }

        try
        {
            chosen.SetAttributeFromString(attribute, value);
            if (chosen.Source is not null && !Uri.IsWellFormedUriString(chosen.Source.OriginalString, UriKind.RelativeOrAbsolute))
            {
                throw new FormatException("It is no URI reference.");
            }
        }
        catch (Exception invalid) when (invalid is ArgumentException or FormatException)
        {
            throw new InvalidOperationException($"The reply metadata of {method} has '{CloudEventMetadata.Prefix}{attribute}: {value}', which is no attribute of an event: {invalid.Message}", invalid);
        }
    }
}
