using System.ComponentModel.DataAnnotations;

namespace CloudState.Knative.Settings;

/// <summary>The form of a text. One that is not set has none to keep.</summary>
internal sealed class TextAttribute(TextForm form) : SettingAttribute
{
    /// <summary>Whether an empty text counts as not set, as environment variables that are set to nothing do.</summary>
    public bool MayBeEmpty { get; init; }

    protected override ValidationResult? Check(object value, ValidationContext context)
    {
        var text = (string)value;
        if (text.Length == 0 && MayBeEmpty)
        {
            return null;
        }

        var (isValid, demand) = form switch
        {
            TextForm.Any => (true, ""),
            TextForm.Secret or TextForm.NotBlank => (!string.IsNullOrWhiteSpace(text), "a text"),
            TextForm.Word => (text.Length > 0 && !text.Any(char.IsWhiteSpace), "a name without spaces"),
            TextForm.HttpAddress => (
                Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https",
                "an address such as http://broker-ingress.knative-eventing.svc.cluster.local/default/default"),
            TextForm.HostAndPort => (IsHostAndPort(text), "a host or host:port, such as 10.0.0.7:8081"),
            TextForm.EventAttribute => (
                text.Length > 0 && text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter)),
                "the name of an attribute, of the letters a to z and digits, such as kafkaheadertype"),
            TextForm.SqlName => (
                text.Length is > 0 and <= 63 && !char.IsAsciiDigit(text[0])
                && text.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '_'),
                "a name of at most 63 of the letters a to z, digits and _, that does not begin with a digit"),
            _ => throw new InvalidOperationException($"{form}"),
        };
        return isValid ? null : Refuse(form == TextForm.Secret ? "blank" : $"'{text}'", demand, context);
    }

    private static bool IsHostAndPort(string text) =>
        Uri.TryCreate($"http://{text}", UriKind.Absolute, out var uri)
        && uri is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" } && !text.EndsWith('/');
}

/// <summary>What a text must look like.</summary>
internal enum TextForm
{
    /// <summary>Anything.</summary>
    Any,

    /// <summary>Anything but white space.</summary>
    NotBlank,

    /// <summary>The same, and the text is not shown.</summary>
    Secret,

    /// <summary>No white space.</summary>
    Word,

    /// <summary>An absolute address of HTTP.</summary>
    HttpAddress,

    /// <summary><c>host</c> or <c>host:port</c></summary>
    HostAndPort,

    /// <summary>The name of an attribute of a CloudEvent.</summary>
    EventAttribute,

    /// <summary>A name of PostgreSQL that needs no quotes.</summary>
    SqlName,
}
