using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>The file of the embedded store is taken away from a running service.</summary>
public sealed class LostFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task DeletedFile_AcknowledgesNothing_AndTheLogSaysWhichWhileClientsHearNothingOfIt()
    {
        var file = Path.Combine(_folder.Path, "carts.db");
        using var log = new ServiceLog();
        await using var service = await TestService.StartAsync(
            more: cloudState => cloudState.Services.AddSingleton<ILoggerProvider>(log), settings: ("CloudState:Sqlite:Path", file));
        Assert.Equal(HttpStatusCode.OK, (await AddAsync(service)).StatusCode);

        File.Delete(file);

        var refused = await AddAsync(service);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.DoesNotContain("carts.db", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.Http1.GetAsync("/health/readiness", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Contains($"'{file}'", Assert.Single(log.Of("StoreDown")), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> AddAsync(TestService service) => service.Http1.PostAsync(
        "/cart/alice/items/add", new StringContent("""{"productId":"p1","quantity":1}""", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
}
