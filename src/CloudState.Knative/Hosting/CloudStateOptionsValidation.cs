using CloudState.Knative.Eventing;
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
            .. Duration(nameof(options.CloseDelay), options.CloseDelay),
            .. Duration(nameof(options.StreamKeepAlive), options.StreamKeepAlive, TimeSpan.FromDays(1)),
            .. Count(nameof(options.CommandIdCount), options.CommandIdCount),
            .. Count(nameof(options.MaxBatchSize), options.MaxBatchSize),
            .. Count(nameof(options.MaxRequestBodySize), options.MaxRequestBodySize),
            .. Count(nameof(options.MaxEntityIdLength), options.MaxEntityIdLength),
            .. Failures("Entities", options.Entities),
            .. Count("Effects:MaxDepth", options.Effects.MaxDepth),
            .. Count("Effects:MaxConcurrent", options.Effects.MaxConcurrent),
            .. Count("Effects:MaxAttempts", options.Effects.MaxAttempts),
            .. Duration("Effects:RetryDelay", options.Effects.RetryDelay),
            .. Duration("Effects:MaxRetryDelay", options.Effects.MaxRetryDelay),
            .. options.Effects.TimerJitter >= TimeSpan.Zero && options.Effects.TimerJitter <= TimeSpan.FromMinutes(1) ? Array.Empty<string>()
                : [$"CloudState:Effects:TimerJitter is {options.Effects.TimerJitter}; it must be between 00:00:00 and 00:01:00."],
            .. options.Effects.ShutdownDelivery == TimeSpan.Zero ? [] : Duration("Effects:ShutdownDelivery", options.Effects.ShutdownDelivery, TimeSpan.FromMinutes(10)),
            .. Duration("Effects:WakeTimeout", options.Effects.WakeTimeout, TimeSpan.FromMinutes(10)),
            .. options.Effects.MaxBacklog is { } maxBacklog ? Count("Effects:MaxBacklog", maxBacklog) : [],
            .. Count("Eventing:MaxInFlight", options.Eventing.MaxInFlight),
            .. Duration("Eventing:HoldOpen", options.Eventing.HoldOpen, TimeSpan.FromMinutes(10)),
            .. Count("Eventing:MaxHeldOpen", options.Eventing.MaxHeldOpen),
            .. options.Topics.SelectMany(topic => Duration($"Topics:{topic.Key}:HoldBack", topic.Value.HoldBack)),
            .. Duration("Eventing:PollInterval", options.Eventing.PollInterval),
            .. Duration("Eventing:SaveInterval", options.Eventing.SaveInterval),
            .. Failures(options.Ring),
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

    private static IEnumerable<string> Failures(RingOptions ring)
    {
        List<string> failures =
        [
            .. Duration("Ring:Lease", ring.Lease),
            .. Duration("Ring:Renewal", ring.Renewal),
            .. Duration("Ring:Margin", ring.Margin),
        ];
        if (failures.Count == 0 && ring.Lease <= (2 * ring.Renewal) + ring.Margin)
        {
            failures.Add($"CloudState:Ring:Lease is {ring.Lease}; it must be longer than two renewals ({ring.Renewal} each) and the margin ({ring.Margin}), so that one lost renewal does no harm.");
        }

        if (ring.Slots is < 1 or > 65_536)
        {
            failures.Add($"CloudState:Ring:Slots is {ring.Slots}; it must be from 1 to 65,536.");
        }

        if (ring.ForwardTimeout < TimeSpan.FromSeconds(2) || ring.ForwardTimeout > TimeSpan.FromMinutes(1))
        {
            failures.Add($"CloudState:Ring:ForwardTimeout is {ring.ForwardTimeout}; it must be between 00:00:02 and 00:01:00.");
        }

        if (ring.Port is < 0 or > 65_535)
        {
            failures.Add($"CloudState:Ring:Port is {ring.Port}; it must be from 0 to 65535.");
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
