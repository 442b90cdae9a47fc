using CloudState.Knative.Hosting;
using Microsoft.Extensions.Configuration;

namespace CloudState.Knative.UnitTests.Hosting;

public class StoreSelectionTests
{
    private static readonly StoreRegistration Postgres = new("postgres", (_, _) => throw new NotSupportedException());
    private static readonly StoreRegistration Embedded = new("embedded", (_, _) => throw new NotSupportedException());

    [Fact]
    public void ConnectionString_ChoosesPostgres() => Assert.Same(Postgres, Select(null, ("ConnectionStrings:CloudState", "Host=db")));

    [Fact]
    public void NoConnectionString_ChoosesTheEmbeddedStore() => Assert.Same(Embedded, Select(null));

    [Fact]
    public void OnKnativeWithoutConnectionString_Refuses()
    {
        var refused = Assert.Throws<InvalidOperationException>(() => Select(null, ("K_SERVICE", "cart")));

        Assert.Contains("ConnectionStrings__CloudState", refused.Message, StringComparison.Ordinal);
        Assert.Contains("CloudState__Store=embedded", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OnKnative_EmbeddedCanBeAskedFor() => Assert.Same(Embedded, Select("embedded", ("K_SERVICE", "cart")));

    [Fact]
    public void UnknownStore_IsRefusedWithTheKnownOnes() => Assert.Contains(
        "embedded, postgres", Assert.Throws<InvalidOperationException>(() => Select("mongo")).Message, StringComparison.Ordinal);

    private static StoreRegistration Select(string? store, params (string Key, string Value)[] settings) => StoreSelection.Select(
        [Postgres, Embedded],
        new CloudStateOptions { Store = store },
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build());
}
