using System.Net.Http.Headers;
using System.Text;

namespace CloudState.Knative.Topics;

/// <summary>Where the events of a topic go.</summary>
/// <param name="Url">Where events are sent to.</param>
/// <param name="Overrides">Extension attributes for all events, in the place of their own of the same names.</param>
/// <param name="Http">Sends the requests.</param>
internal sealed record TopicSink(Uri Url, IReadOnlyDictionary<string, string> Overrides, HttpMessageInvoker Http)
{
    /// <summary>For people: neither a password nor what else is secret in a query.</summary>
    public string Address { get; } = Url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>An event in binary mode (CloudEvents 1.0, HTTP protocol binding, section 3.1).</summary>
    public HttpRequestMessage ToRequest(OutgoingEvent published)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new ReadOnlyMemoryContent(published.Data.Memory) };
        foreach (var attribute in published.Attributes.Where(attribute => !Overrides.ContainsKey(attribute.Key)).Concat(Overrides))
        {
            var (name, value) = OutgoingEvent.ToHeader(attribute);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (published.DataContentType.Length > 0)
        {
            request.Content.Headers.TryAddWithoutValidation(CloudEventMetadata.ContentType, published.DataContentType);
        }

        if (Url.UserInfo.Length > 0)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(Url.UserInfo))));
        }

        return request;
    }
}
