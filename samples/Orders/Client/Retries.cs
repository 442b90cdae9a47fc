using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace CartClient;

/// <summary>
/// How a client outlives a pod that dies without a word: it sends the same request again, with the same <c>Idempotency-Key</c>, until it knows the answer.
/// A takeover takes about five seconds, a cold start less; this goes on for half a minute at most.
/// </summary>
public static class Retries
{
    private const int Attempts = 10;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(10);

    /// <summary>For gRPC: a service config, which other languages read as JSON with the same names.</summary>
    public static GrpcChannelOptions Grpc { get; } = new()
    {
        MaxRetryAttempts = Attempts,
        ServiceConfig = new ServiceConfig
        {
            MethodConfigs =
            {
                new MethodConfig
                {
                    Names = { MethodName.Default },
                    RetryPolicy = new RetryPolicy
                    {
                        MaxAttempts = Attempts,
                        InitialBackoff = FirstPause,
                        MaxBackoff = LongestPause,
                        BackoffMultiplier = 2,
                        RetryableStatusCodes = { StatusCode.Unavailable, StatusCode.Aborted },
                    },
                },
            },
        },
    };

    /// <summary>For HTTP: no answer, 408, 429 and 5xx are tried again; <c>Retry-After</c> is respected.</summary>
    public static IHttpClientBuilder AddRetries(this IHttpClientBuilder client)
    {
        client.AddResilienceHandler("retries", pipeline => pipeline
            .AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = Attempts - 1,
                Delay = FirstPause,
                MaxDelay = LongestPause,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .AddTimeout(AttemptTimeout));
        return client;
    }
}
