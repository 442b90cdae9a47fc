using Microsoft.Extensions.Options;

namespace CloudState.Knative.Settings;

/// <summary>Checks options that are not registered as such, when they are used first.</summary>
internal static class OptionsChecks
{
    /// <param name="validator">Checks the ranges.</param>
    /// <param name="path">What the messages begin with: a section of the configuration, or the call that has set the options.</param>
    /// <param name="options">The options.</param>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public static void Check<TOptions>(this IValidateOptions<TOptions> validator, string path, TOptions options)
        where TOptions : class
    {
        if (validator.Validate(SettingAttribute.Path(path), options) is { Failed: true, Failures: var failures })
        {
            throw new OptionsValidationException(path, typeof(TOptions), failures);
        }
    }
}
