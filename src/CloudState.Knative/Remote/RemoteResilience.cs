using Microsoft.Extensions.Http.Resilience;

namespace CloudState.Knative.Remote;

/// <summary>How often and how long calls of other services are tried. A Knative service may have to start first.</summary>
internal static class RemoteResilience
{
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(30);

    /// <summary>Calls that may have been carried out although their answer was lost: only those that were not sent are tried again.</summary>
    public static void OfPlainCalls(HttpStandardResilienceOptions options)
    {
        OfCallsWithId(options);
        options.Retry.ShouldHandle = attempt => ValueTask.FromResult(
            attempt.Outcome.Exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError });
    }

    /// <summary>Calls that take effect once, however often they come.</summary>
    public static void OfCallsWithId(HttpStandardResilienceOptions options)
    {
        options.AttemptTimeout.Timeout = Attempt;
        options.TotalRequestTimeout.Timeout = 4 * Attempt;
        options.CircuitBreaker.SamplingDuration = 2 * Attempt;
    }
}
