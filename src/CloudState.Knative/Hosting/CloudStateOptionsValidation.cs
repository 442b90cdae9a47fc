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
            .. Count(nameof(options.CommandIdCount), options.CommandIdCount),
            .. Count(nameof(options.MaxBatchSize), options.MaxBatchSize),
            .. Count(nameof(options.MaxRequestBodySize), options.MaxRequestBodySize),
            .. Count(nameof(options.MaxEntityIdLength), options.MaxEntityIdLength),
            .. Failures("Entities", options.Entities),
        ];
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    public static IEnumerable<string> Failures(string section, EntityOptions options) =>
    [
        .. Duration($"{section}:{nameof(options.PassivateAfter)}", options.PassivateAfter),
        .. Count($"{section}:{nameof(options.MaxActive)}", options.MaxActive),
        .. Count($"{section}:{nameof(options.MailboxSize)}", options.MailboxSize),
    ];

    private static IEnumerable<string> Duration(string name, TimeSpan value) =>
        value >= Shortest && value <= Longest ? [] : [$"CloudState:{name} is {value}; it must be between {Shortest} and {Longest}."];

    private static IEnumerable<string> Count(string name, int value) =>
        value > 0 ? [] : [$"CloudState:{name} is {value}; it must be at least 1."];
}
