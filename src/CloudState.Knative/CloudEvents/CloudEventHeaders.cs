using CloudNative.CloudEvents;
using CloudNative.CloudEvents.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>Gives each event of a request the metadata that it would have had as a request of its own in binary mode.</summary>
internal static class CloudEventHeaders
{
    /// <summary>The headers of the request, with the attributes of the event instead of what they say of an event and of the content.</summary>
    public static CallMetadata Of(CloudEvent cloudEvent, CallMetadata request)
    {
        List<KeyValuePair<string, string>> entries =
        [
            .. request.Where(header => !header.Key.StartsWith(CloudEventMetadata.Prefix, StringComparison.OrdinalIgnoreCase)
                && !header.Key.Equals(CloudEventMetadata.ContentType, StringComparison.OrdinalIgnoreCase)),
            new("ce-specversion", cloudEvent.SpecVersion.VersionId),
        ];
        foreach (var (attribute, value) in cloudEvent.GetPopulatedAttributes())
        {
            entries.Add(attribute == cloudEvent.SpecVersion.DataContentTypeAttribute
                ? new(CloudEventMetadata.ContentType, attribute.Format(value))
                : new(CloudEventMetadata.Prefix + attribute.Name, HttpUtilities.EncodeHeaderValue(attribute.Format(value))));
        }

        return new CallMetadata(entries);
    }
}
