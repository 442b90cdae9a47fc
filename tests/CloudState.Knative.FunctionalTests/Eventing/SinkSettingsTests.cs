using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>What start-up says of the sinks of topics.</summary>
public sealed class SinkSettingsTests : TopicSinkTest
{
    private const string Sink = "http://sink";

    [Fact]
    public void NoTopics_NeedNoSink() => SinksOf(("K_SINK", "nonsense"), ("K_CE_OVERRIDES", "nonsense")).Check([]);

    [Fact]
    public void TopicWithASink_IsFine()
    {
        SinksOf(("CloudState:Topics:orders:Url", "https://sink/in")).Check([Topic, Topic]);
        SinksOf(("K_SINK", Sink)).Check([Topic, "audit"]);
    }

    [Fact]
    public void TopicWithoutASink_IsRefused()
    {
        var refused = Refused(("CloudState:Topics:audit:Url", Sink));

        Assert.Equal(
            "Nothing says where events of the topic 'orders' go. Set CloudState__Topics__orders__Url to the address of its sink, or K_SINK to that of all topics, which a SinkBinding does.",
            refused);
    }

    [Theory]
    [InlineData("broker")]
    [InlineData("/broker")]
    [InlineData("broker:80")]
    [InlineData("ftp://broker")]
    public void AddressThatIsNone_IsRefused(string url)
    {
        Assert.StartsWith($"K_SINK is '{url}'. Set it to an address such as http://", Refused(("K_SINK", url)));
        Assert.StartsWith($"CloudState:Topics:orders:Url is '{url}'. Set it to an address such as http://", Refused(("CloudState:Topics:orders:Url", url), ("K_SINK", Sink)));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("""{"extensions":"a"}""")]
    [InlineData("""{"extensions":{"a":1}}""")]
    [InlineData("""{"extensions":{"a":null}}""")]
    [InlineData("""{"extensions":{"a-b":"c"}}""")]
    [InlineData("""{"extensions":{"type":"c"}}""")]
    [InlineData("""{"extensions":{"specversion":"c"}}""")]
    [InlineData("""{"extensions":{"a":"line\nbreak"}}""")]
    public void OverridesThatAreNone_AreRefused(string overrides) =>
        Assert.StartsWith($$$"""K_CE_OVERRIDES is '{{{overrides}}}', which is no {"extensions":{"name":"value"}}: """, Refused(("K_SINK", Sink), ("K_CE_OVERRIDES", overrides)));

    [Theory]
    [InlineData("nonsense", "K_CA_CERTS holds no certificate.")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "K_CA_CERTS holds a certificate that cannot be read: ")]
    public void CertificatesThatAreNone_AreRefused(string certificates, string message) =>
        Assert.StartsWith(message, Refused(("K_SINK", "https://sink"), ("K_CA_CERTS", certificates)));

    [Fact]
    public void CertificatesForASinkWithoutTls_AreNotRead() => SinksOf(("K_SINK", Sink), ("K_CA_CERTS", "nonsense")).Check([Topic]);

    private string Refused(params (string, string)[] settings) => Assert.Throws<InvalidOperationException>(() => SinksOf(settings).Check([Topic])).Message;
}
