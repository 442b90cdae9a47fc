using System.Text.RegularExpressions;
using Google.Api;

namespace CloudState.Knative.OpenApi;

/// <summary>A rule of <c>google.api.http</c> as OpenAPI sees it.</summary>
/// <param name="Method">Of HTTP.</param>
/// <param name="Path">With a name in braces for each parameter.</param>
/// <param name="PathFields">The parameters of the path, which are fields of the input: <c>user_id</c>, <c>book.name</c>.</param>
/// <param name="Body">The field that the body is; <c>*</c> for all fields that are not in the path, empty for no body.</param>
/// <param name="ResponseBody">The field that the answer is; empty for the whole output.</param>
internal sealed partial record HttpBinding(HttpMethod Method, string Path, IReadOnlyList<string> PathFields, string Body, string ResponseBody)
{
    /// <summary>Null if there is no path in it.</summary>
    public static HttpBinding? Of(HttpRule rule)
    {
        var (method, template) = rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => (HttpMethod.Get, rule.Get),
            HttpRule.PatternOneofCase.Put => (HttpMethod.Put, rule.Put),
            HttpRule.PatternOneofCase.Post => (HttpMethod.Post, rule.Post),
            HttpRule.PatternOneofCase.Delete => (HttpMethod.Delete, rule.Delete),
            HttpRule.PatternOneofCase.Patch => (HttpMethod.Patch, rule.Patch),
            HttpRule.PatternOneofCase.Custom => (new HttpMethod(rule.Custom.Kind), rule.Custom.Path),
            _ => (HttpMethod.Get, ""),
        };
        return template.Length == 0
            ? null
            : new(
                method,
                // {name=shelves/*} takes several segments; OpenAPI has no other way to say so than the name.
                Variable().Replace(template, "{$1}"),
                [.. Variable().Matches(template).Select(variable => variable.Groups[1].Value)],
                rule.Body,
                rule.ResponseBody);
    }

    [GeneratedRegex(@"\{([^}=]+)(?:=[^}]*)?\}")]
    private static partial Regex Variable();
}
