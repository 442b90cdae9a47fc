using CloudState.Knative.Topics;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Hosting;

/// <summary>Checks the options at start; every message names the setting and its range.</summary>
internal sealed class CloudStateOptionsValidation : IValidateOptions<CloudStateOptions>
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    public ValidateOptionsResult Validate(string? name, CloudStateOptions options)
    {
        List<string> failures =
        [
            .. Duration(nameof(options.CommandTimeout), options.CommandTimeout),
            .. Duration(nameof(options.CommandIdRetention), options.CommandIdRetention),
            .. Duration(nameof(options.ProtocolDetectionTimeout), options.ProtocolDetectionTimeout),
            .. Duration(nameof(options.ShutdownKeepAlive), options.ShutdownKeepAlive),
            .. Duration(nameof(options.StreamKeepAlive), options.StreamKeepAlive, TimeSpan.FromDays(1)),
            .. Count(nameof(options.MaxCommandIds), options.MaxCommandIds),
            .. Count(nameof(options.MaxBatchSize), options.MaxBatchSize),
            .. Count(nameof(options.MaxRequestBodySize), options.MaxRequestBodySize),
            .. Count(nameof(options.MaxKeyLength), options.MaxKeyLength),
            .. Failures("Entities", options.Entities),
            .. Count("Delivery:MaxDepth", options.Delivery.MaxDepth),
            .. Count("Delivery:MaxConcurrent", options.Delivery.MaxConcurrent),
            .. Count("Delivery:MaxAttempts", options.Delivery.MaxAttempts),
            .. Duration("Delivery:RetryDelay", options.Delivery.RetryDelay),
            .. Duration("Delivery:MaxRetryDelay", options.Delivery.MaxRetryDelay),
            .. options.Delivery.TimerJitter >= TimeSpan.Zero && options.Delivery.TimerJitter <= TimeSpan.FromMinutes(1) ? Array.Empty<string>()
                : [$"CloudState:Delivery:TimerJitter is {options.Delivery.TimerJitter}; it must be between 00:00:00 and 00:01:00."],
            .. options.Delivery.ShutdownDelivery == TimeSpan.Zero ? [] : Duration("Delivery:ShutdownDelivery", options.Delivery.ShutdownDelivery, TimeSpan.FromMinutes(10)),
            .. Duration("Delivery:WakeTimeout", options.Delivery.WakeTimeout, TimeSpan.FromMinutes(10)),
            .. options.Delivery.MaxBacklog is { } maxBacklog ? Count("Delivery:MaxBacklog", maxBacklog) : [],
            .. Count("Eventing:MaxInFlight", options.Eventing.MaxInFlight),
            .. Duration("Eventing:OutOfOrderWait", options.Eventing.OutOfOrderWait, TimeSpan.FromMinutes(10)),
            .. Count("Eventing:MaxOutOfOrderWaits", options.Eventing.MaxOutOfOrderWaits),
            .. options.Topics.SelectMany(topic => Duration($"Topics:{topic.Key}:OutOfOrderLimit", topic.Value.OutOfOrderLimit)),
            .. Duration("Eventing:PollInterval", options.Eventing.PollInterval),
            .. Duration("Eventing:SaveInterval", options.Eventing.SaveInterval),
            .. Failures(options.Cluster),
            .. Duration("Eventing:PublishTimeout", options.Eventing.PublishTimeout, TimeSpan.FromMinutes(10)),
            .. options.Topics.SelectMany(topic => Failures($"Topics:{topic.Key}", topic.Value)),
        ];
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    public static IEnumerable<string> Failures(string section, EntityOptions options) =>
    [
        .. Duration($"{section}:{nameof(options.PassivateAfter)}", options.PassivateAfter),
        .. options.TimeToLive is { } timeToLive ? Duration($"{section}:{nameof(options.TimeToLive)}", timeToLive) : [],
        .. Count($"{section}:{nameof(options.MaxActive)}", options.MaxActive),
        .. Count($"{section}:{nameof(options.MailboxSize)}", options.MailboxSize),
    ];

    private static IEnumerable<string> Failures(ClusterOptions ring)
    {
        List<string> failures =
        [
            .. Duration("Cluster:Lease", ring.Lease),
            .. Duration("Cluster:Renewal", ring.Renewal),
            .. Duration("Cluster:Margin", ring.Margin),
        ];
        if (failures.Count == 0 && ring.Lease <= (2 * ring.Renewal) + ring.Margin)
        {
            failures.Add($"CloudState:Cluster:Lease is {ring.Lease}; it must be longer than two renewals ({ring.Renewal} each) and the margin ({ring.Margin}), so that one lost renewal does no harm.");
        }

        if (ring.Slots is < 1 or > 65_536)
        {
            failures.Add($"CloudState:Cluster:Slots is {ring.Slots}; it must be from 1 to 65,536.");
        }

        if (ring.ForwardTimeout < TimeSpan.FromSeconds(2) || ring.ForwardTimeout > TimeSpan.FromMinutes(1))
        {
            failures.Add($"CloudState:Cluster:ForwardTimeout is {ring.ForwardTimeout}; it must be between 00:00:02 and 00:01:00.");
        }

        if (ring.Port is < 0 or > 65_535)
        {
            failures.Add($"CloudState:Cluster:Port is {ring.Port}; it must be from 0 to 65535.");
        }

        return failures;
    }

    private static IEnumerable<string> Failures(string section, TopicOptions topic)
    {
        if (!OutgoingEvents.IsMessageContentType(topic.DataContentType))
        {
            yield return $"CloudState:{section}:{nameof(topic.DataContentType)} is '{topic.DataContentType}'; it must be application/json or application/protobuf.";
        }

        if (topic.IncomingContentType is { Length: > 0 } contentType and not ("application/json" or "application/protobuf"))
        {
            yield return $"CloudState:{section}:{nameof(topic.IncomingContentType)} is '{contentType}'; it must be application/json or application/protobuf.";
        }

        if (topic.EventTypeAttribute is { } attribute && !attribute.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter)))
        {
            yield return $"CloudState:{section}:{nameof(topic.EventTypeAttribute)} is '{attribute}'; the name of an attribute must be of the letters a to z and digits, such as kafkaheadertype.";
        }
    }

    private static IEnumerable<string> Duration(string name, TimeSpan value) => Duration(name, value, Longest);

    private static IEnumerable<string> Duration(string name, TimeSpan value, TimeSpan longest) =>
        value >= Shortest && value <= longest ? [] : [$"CloudState:{name} is {value}; it must be between {Shortest} and {longest}."];

    private static IEnumerable<string> Count(string name, int value) =>
        value > 0 ? [] : [$"CloudState:{name} is {value}; it must be at least 1."];
}
