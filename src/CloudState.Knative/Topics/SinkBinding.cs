using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using CloudNative.CloudEvents;
using Microsoft.Extensions.Configuration;

namespace CloudState.Knative.Topics;

/// <summary>What a SinkBinding says of the sink for the topics that have none of their own: <c>K_SINK</c>, <c>K_CE_OVERRIDES</c> and <c>K_CA_CERTS</c>.</summary>
internal sealed class SinkBinding(IConfiguration configuration)
{
    /// <summary>Where the sink is; null when nothing says so.</summary>
    public string? Url => configuration["K_SINK"] is { Length: > 0 } url ? url : null;

    /// <summary>Extension attributes for all events, in the place of their own of the same names.</summary>
    /// <exception cref="InvalidOperationException">They are none.</exception>
    public IReadOnlyDictionary<string, string> ReadOverrides()
    {
        var overrides = new Dictionary<string, string>();
        if (configuration["K_CE_OVERRIDES"] is not { Length: > 0 } json)
        {
            return overrides;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            if (!document.RootElement.TryGetProperty("extensions", out var extensions) || extensions.ValueKind == JsonValueKind.Null)
            {
                return overrides;
            }

            foreach (var extension in extensions.EnumerateObject())
            {
                // An event refuses what is no name of an extension, or no value of one.
                var attribute = CloudEventAttribute.CreateExtension(extension.Name.ToLowerInvariant(), CloudEventAttributeType.String);
                _ = new CloudEvent([attribute]) { [attribute] = extension.Value.GetString() ?? throw new InvalidOperationException($"'{extension.Name}' is null.") };
                overrides[attribute.Name] = extension.Value.GetString()!;
            }

            return overrides;
        }
        catch (Exception invalid) when (invalid is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidOperationException(
                $$$"""K_CE_OVERRIDES is '{{{json}}}', which is no {"extensions":{"name":"value"}}: {{{invalid.Message}}}""", invalid);
        }
    }

    /// <summary>How certificates of the sink are checked: null for as usual. Those of <c>K_CA_CERTS</c> are trusted like the system's.</summary>
    /// <exception cref="InvalidOperationException"><c>K_CA_CERTS</c> holds no certificates.</exception>
    public RemoteCertificateValidationCallback? ReadTrust()
    {
        if (configuration["K_CA_CERTS"] is not { Length: > 0 } pem)
        {
            return null;
        }

        var trusted = new X509Certificate2Collection();
        try
        {
            trusted.ImportFromPem(pem);
        }
        catch (CryptographicException invalid)
        {
            throw new InvalidOperationException($"K_CA_CERTS holds a certificate that cannot be read: {invalid.Message}", invalid);
        }

        return trusted.Count == 0
            ? throw new InvalidOperationException("K_CA_CERTS holds no certificate. A SinkBinding sets it to certificates in PEM form, -----BEGIN CERTIFICATE-----.")
            : (_, certificate, chain, errors) => errors == SslPolicyErrors.None
                || (errors == SslPolicyErrors.RemoteCertificateChainErrors && certificate is X509Certificate2 of && chain is not null && LeadsTo(trusted, of, chain));
    }

    private static bool LeadsTo(X509Certificate2Collection trusted, X509Certificate2 certificate, X509Chain sent)
    {
        const string serverAuthentication = "1.3.6.1.5.5.7.3.1";
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(trusted);
        chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(serverAuthentication));
        return chain.Build(certificate);
    }
}
