using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>PostgreSQL goes away and comes back.</summary>
public sealed class OutageTests(PostgresSchema schema) : IClassFixture<PostgresSchema>, IAsyncLifetime
{
    private TcpProxy _cable = null!;
    private (string, string)[] _settings = [];

    public async ValueTask InitializeAsync()
    {
        var database = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        var address = (await Dns.GetHostAddressesAsync(database.Host!))[0];
        _cable = new TcpProxy(new IPEndPoint(address, database.Port));
        database.Host = "127.0.0.1";
        database.Port = _cable.Port;
        _settings = [("ConnectionStrings:CloudState", database.ConnectionString), ("CloudState:Marten:SchemaName", schema.Name)];
    }

    public ValueTask DisposeAsync() => _cable.DisposeAsync();

    [Fact]
    public async Task DownAtStart_WaitsAndRecovers()
    {
        await _cable.CutAsync();
        await using var service = await TestService.StartAsync(settings: _settings);

        Assert.Equal(HttpStatusCode.OK, (await service.Http1.GetAsync("/health/liveness")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Http1.GetAsync("/health/readiness")).StatusCode);
        var refused = await AddAsync(service, "early");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("""{"code":14,"message":"The store is not available. Try again.","details":[]}""", await refused.Content.ReadAsStringAsync());

        _cable.Restore();
        await ReadyAsync(service);
        Assert.Equal(HttpStatusCode.OK, (await AddAsync(service, "early")).StatusCode);
    }

    [Fact]
    public async Task DownLater_AcknowledgesNothingThatIsNotStored_AndRecovers()
    {
        await using var service = await TestService.StartAsync(settings: _settings);
        Assert.Equal(HttpStatusCode.OK, (await AddAsync(service, "late")).StatusCode);

        await _cable.CutAsync();
        var refused = await AddAsync(service, "late");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Matches("\"The store is not available(; it is not known whether the command took effect)?\\. Try again\\.\"", await refused.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Http1.GetAsync("/health/readiness")).StatusCode);

        _cable.Restore();
        await ReadyAsync(service);
        Assert.Equal(HttpStatusCode.OK, (await AddAsync(service, "late")).StatusCode);
        Assert.Equal("""{"items":[{"productId":"p1","name":"","quantity":2}]}""", await service.Http1.GetStringAsync("/carts/late"));
    }

    private static async Task ReadyAsync(TestService service)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!(await service.Http1.GetAsync("/health/readiness", patience.Token)).IsSuccessStatusCode)
        {
            await Task.Yield();
        }
    }

    private static Task<HttpResponseMessage> AddAsync(TestService service, string cart) => service.Http1.PostAsync(
        $"/cart/{cart}/items/add", new StringContent("""{"productId":"p1","quantity":1}""", Encoding.UTF8, "application/json"));
}
