using CloudState.Knative.Settings;
using CloudState.Knative.Topics;
using Microsoft.Extensions.Options;

namespace CloudState.Knative.Hosting;

/// <summary>
/// Checks the options at start; every message names the setting, its value and its range. Ranges stand at the options; here are the rules that no
/// attribute of one option can say.
/// </summary>
internal sealed class CloudStateOptionsValidation : IValidateOptions<CloudStateOptions>
{
    private const string Section = "CloudState";

    private static readonly CloudStateOptionsValidator Ranges = new();
    private static readonly TopicOptionsValidator TopicRanges = new();
    private static readonly EntityOptionsValidator EntityRanges = new();

    public ValidateOptionsResult Validate(string? name, CloudStateOptions options)
    {
        List<string> failures = [.. FailuresOf(Ranges.Validate(Section, options))];
        if (options.Cluster is { } cluster && !failures.Any(failure => failure.StartsWith($"{Section}:Cluster:", StringComparison.Ordinal)))
        {
            failures.AddRange(Failures(cluster));
        }

        foreach (var (topicName, topic) in options.Topics ?? [])
        {
            var section = $"{Section}:Topics:{topicName}";
            failures.AddRange(FailuresOf(TopicRanges.Validate(SettingAttribute.Path(section), topic)));
            failures.AddRange(Failures(section, topic));
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>Checks options of one entity type, which code has changed.</summary>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public static void Check(Type entityClass, EntityOptions options) => EntityRanges.Check($"AddEntity<{entityClass.Name}>", options);

    private static IEnumerable<string> FailuresOf(ValidateOptionsResult result) => result.Failures ?? [];

    private static IEnumerable<string> Failures(ClusterOptions cluster)
    {
        if (cluster.Lease <= (2 * cluster.Renewal) + cluster.Margin)
        {
            yield return $"{Section}:Cluster:Lease is {cluster.Lease}; it must be longer than two renewals ({cluster.Renewal} each) " +
                $"and the margin ({cluster.Margin}), so that one lost renewal does no harm.";
        }
    }

    private static IEnumerable<string> Failures(string section, TopicOptions topic)
    {
        if (topic.DataContentType is not null && !OutgoingEvents.IsMessageContentType(topic.DataContentType))
        {
            yield return $"{section}:{nameof(topic.DataContentType)} is '{topic.DataContentType}'; " +
                "it must be application/json or application/protobuf.";
        }

        if (topic.IncomingContentType is { Length: > 0 } contentType and not ("application/json" or "application/protobuf"))
        {
            yield return $"{section}:{nameof(topic.IncomingContentType)} is '{contentType}'; it must be application/json or application/protobuf.";
        }
    }
}

/// <summary>Checks the ranges of the options of a service, and of all that they hold.</summary>
[OptionsValidator]
internal sealed partial class CloudStateOptionsValidator : IValidateOptions<CloudStateOptions>;

/// <summary>Checks the ranges of the options of a topic.</summary>
[OptionsValidator]
internal sealed partial class TopicOptionsValidator : IValidateOptions<TopicOptions>;

/// <summary>Checks the ranges of the options of entities.</summary>
[OptionsValidator]
internal sealed partial class EntityOptionsValidator : IValidateOptions<EntityOptions>;
