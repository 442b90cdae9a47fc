using System.Net;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>Which sinks with TLS get events.</summary>
public sealed class SinkTrustTests : TopicSinkTest
{
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _other = new();

    [Fact]
    public async Task SinkOfATrustedAuthority_GetsEvents()
    {
        using var certificate = _authority.Issue(IPAddress.Loopback);
        await using var sink = await EventSink.StartAsync(certificate);

        var result = await PublishAsync(SinksOf(("K_SINK", sink.Address), ("K_CA_CERTS", $"{_other.Pem}\n{_authority.Pem}\n")));

        Assert.Equal(Status.DefaultSuccess, result.Status);
        Assert.Equal("shop.Added", (await sink.TakenAsync())["ce-type"]);
    }

    [Fact]
    public async Task SinkOfAnUnknownAuthority_GetsNone()
    {
        using var certificate = _authority.Issue(IPAddress.Loopback);
        await using var sink = await EventSink.StartAsync(certificate);

        await RefusedAsync(("K_SINK", sink.Address));
        await RefusedAsync(("K_SINK", sink.Address), ("K_CA_CERTS", _other.Pem));
        await RefusedAsync(($"CloudState:Topics:{Topic}:Url", sink.Address), ("K_SINK", sink.Address), ("K_CA_CERTS", _authority.Pem));
    }

    [Fact]
    public async Task SinkWithTheCertificateOfAnother_GetsNone()
    {
        using var certificate = _authority.Issue(IPAddress.Parse("127.0.0.2"));
        await using var sink = await EventSink.StartAsync(certificate);

        await RefusedAsync(("K_SINK", sink.Address), ("K_CA_CERTS", _authority.Pem));
    }

    private async Task RefusedAsync(params (string, string)[] settings)
    {
        var result = await PublishAsync(SinksOf(settings));

        Assert.Equal(StatusCode.Unavailable, result.Status.StatusCode);
        Assert.Contains("certificate", result.Status.Detail);
    }
}
