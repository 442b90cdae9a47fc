using System.Net;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Management;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>The operator endpoints of the internal port, for those who should not use them.</summary>
public sealed class OperatorAccessTests(PostgresSchema schema) : IClassFixture<PostgresSchema>, IAsyncLifetime
{
    private readonly HttpClient _http = new();
    private TestService _pod = null!;

    public async ValueTask InitializeAsync()
    {
        _pod = await Pods.StartAsync(schema);
        await Pods.SettledAsync(_pod);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _pod.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "/cloudstate/cluster", "localhost", false, HttpStatusCode.OK)]
    [InlineData("GET", "/cloudstate/parked", "127.0.0.1", false, HttpStatusCode.OK)]
    [InlineData("GET", "/cloudstate/parked", "[::1]:8081", false, HttpStatusCode.OK)]
    [InlineData("GET", "/cloudstate/cluster", "evil.example", false, HttpStatusCode.Forbidden)]
    [InlineData("POST", "/cloudstate/parked/retry?id=x", "localhost", true, HttpStatusCode.NotFound)]
    [InlineData("POST", "/cloudstate/parked/retry?id=x", "evil.example", true, HttpStatusCode.Forbidden)]
    [InlineData("POST", "/cloudstate/parked/retry?id=x", "localhost", false, HttpStatusCode.Forbidden)]
    [InlineData("POST", "/cloudstate/parked/discard?id=x", "localhost", false, HttpStatusCode.Forbidden)]
    public async Task WebPages_AreNoOperators(string verb, string path, string host, bool hasHeader, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), new Uri(_pod.InternalAddress(), path)) { Headers = { Host = host } };
        if (hasHeader)
        {
            request.Headers.Add(OperatorAccess.Header, "true");
        }

        using var answer = await _http.SendAsync(request, Pods.Cancellation);

        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public void OtherMachines_NeedTheSecretOfTheMember()
    {
        var access = _pod.Services.GetRequiredService<OperatorAccess>();
        var secret = _pod.Cluster().Snapshot.Self!.Secret;

        Assert.Contains("Only the machine itself", access.WhyRefused(FromAfar(null)), StringComparison.Ordinal);
        Assert.Contains("Only the machine itself", access.WhyRefused(FromAfar("guessed")), StringComparison.Ordinal);
        Assert.Null(access.WhyRefused(FromAfar(secret)));

        static HttpRequest FromAfar(string? secret)
        {
            var http = new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse("10.1.2.3") } };
            (http.Request.Method, http.Request.Host) = ("GET", new("10.0.0.1", 8081));
            http.Request.Headers.Authorization = secret is null ? default : $"Bearer {secret}";
            return http.Request;
        }
    }
}
