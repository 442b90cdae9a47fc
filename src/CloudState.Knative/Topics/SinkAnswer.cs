using System.Net;
using System.Text;
using Grpc.Core;

namespace CloudState.Knative.Topics;

/// <summary>What the answer of a sink means. Unavailable and its like are for another attempt, as with Knative's delivery: no answer, 5xx, 404, 408, 409 and 429.</summary>
internal static class SinkAnswer
{
    private const int ShownCharacters = 200;
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    public static StatusCode StatusOf(HttpStatusCode status) => (int)status switch
    {
        >= 200 and < 300 => StatusCode.OK,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 or >= 500 => StatusCode.Unavailable,
        408 => StatusCode.DeadlineExceeded,
        409 => StatusCode.Aborted,
        429 => StatusCode.ResourceExhausted,
        _ => StatusCode.InvalidArgument,
    };

    /// <summary>Whether a proxy says that the sink has not answered it in time.</summary>
    public static bool IsTimeout(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.GatewayTimeout;

    public static TimeSpan? RetryAfterOf(HttpResponseMessage answer, DateTimeOffset now) =>
        (answer.Headers.RetryAfter?.Delta ?? answer.Headers.RetryAfter?.Date - now) is not { } delay ? null
        : delay < TimeSpan.Zero ? TimeSpan.Zero
        : delay > LongestRetryAfter ? LongestRetryAfter
        : delay;

    /// <summary>The status line, and how the body begins if it is text.</summary>
    public static async Task<string> DescribeAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var status = $"{(int)answer.StatusCode} {answer.ReasonPhrase}".TrimEnd();
        return IsText(answer.Content.Headers.ContentType?.MediaType) && await ReadTextAsync() is { Length: > 0 } text ? $"{status}: {text}" : status;

        async Task<string> ReadTextAsync()
        {
            var bytes = new byte[ShownCharacters * 4];
            var length = 0;
            try
            {
                var body = await answer.Content.ReadAsStreamAsync(cancellation);
                length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
            }
            catch (Exception cut) when (cut is IOException or HttpRequestException or OperationCanceledException)
            {
                // The status is known all the same.
            }

            return Shorten(Encoding.UTF8.GetString(bytes, 0, length));
        }
    }

    private static bool IsText(string? mediaType) =>
        mediaType is not null
        && (mediaType.StartsWith("text/", StringComparison.OrdinalIgnoreCase)
            || mediaType.EndsWith("json", StringComparison.OrdinalIgnoreCase)
            || mediaType.EndsWith("xml", StringComparison.OrdinalIgnoreCase));

    private static string Shorten(string text)
    {
        text = string.Concat(text.Trim().Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length <= ShownCharacters ? text
            : char.IsHighSurrogate(text[ShownCharacters - 1]) ? text[..(ShownCharacters - 1)]
            : text[..ShownCharacters];
    }
}
