using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Encodings.Web;
using CloudState.Knative.FunctionalTests.Edges;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ShoppingCart;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>What an application makes of the two calls that put CloudState into it.</summary>
[Collection(ProbeEntity.EntityType)]
public sealed class MapCloudStateTests
{
    private const string ProbePath = "/cloudstate.tests.probe.Probe/EchoPlainBare";

    private static readonly Metadata Anonymous = [];
    private static readonly Metadata Alice = new() { { HeaderScheme.Header, "alice" } };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutItsMiddleware_SaysWhatToCall()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddCloudState().AddEntity<ShoppingCartEntity>().UseSqlite();
        await using var app = builder.Build();

        var refused = Assert.Throws<InvalidOperationException>(() => app.MapCloudState());

        Assert.Equal("The middleware of CloudState is missing. Call app.UseCloudState() before app.MapCloudState().", refused.Message);
    }

    [Fact]
    public async Task NothingMapped_IsLoggedAndNotReady()
    {
        await using var service = await TestService.StartHostAsync(
            cloudState => cloudState.AddEntity<ShoppingCartEntity>(),
            app =>
            {
                app.UseCloudState();
                app.MapHealthChecks("/own-health");
            });
        service.ExpectErrors();

        using var answer = await service.Http1.GetAsync("/own-health", Cancellation);
        using var probe = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "K-Network-Probe", "queue" } } };
        using var probed = await service.Http1.SendAsync(probe, Cancellation);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, probed.StatusCode);
        Assert.Contains("Nothing is mapped: the service answers no calls and takes no events. Call app.UseCloudState() and app.MapCloudState()", Assert.Single(service.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutItsServices_SaysWhatToCall()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();

        const string missing = "CloudState is not added. Call builder.AddCloudState() before builder.Build().";
        Assert.Equal(missing, Assert.Throws<InvalidOperationException>(() => app.UseCloudState()).Message);
        Assert.Equal(missing, Assert.Throws<InvalidOperationException>(() => app.MapCloudState()).Message);
    }

    [Fact]
    public async Task RequireAuthorization_ProtectsGrpc()
    {
        await using var service = await StartProtectedAsync();

        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => AddAsync(service, Anonymous))).StatusCode);
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => ReflectAsync(service, Anonymous))).StatusCode);

        await AddAsync(service, Alice);
        Assert.Equal("p1", Assert.Single((await service.Carts.GetCartAsync(new GetShoppingCart { UserId = "alice" }, Alice, cancellationToken: Cancellation)).Items).ProductId);
        Assert.Contains("com.example.shoppingcart.ShoppingCart", await ReflectAsync(service, Alice));
    }

    [Theory]
    [InlineData("GET", "/carts/alice", HttpStatusCode.OK)]
    [InlineData("GET", "/carts/alice/items", HttpStatusCode.OK)]
    [InlineData("POST", "/cart/alice/items/add", HttpStatusCode.OK)]
    [InlineData("POST", ProbePath, HttpStatusCode.OK)]
    [InlineData("POST", "/", HttpStatusCode.NoContent)]
    [InlineData("POST", "/cloudevents", HttpStatusCode.NoContent)]
    [InlineData("POST", "/topics/of-nobody", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/cloudstate/wake", HttpStatusCode.NoContent)]
    public async Task RequireAuthorization_ProtectsRestAndEvents(string method, string path, HttpStatusCode permitted)
    {
        await using var service = await StartProtectedAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync(service, method, path, user: null));
        Assert.Equal(permitted, await SendAsync(service, method, path, "alice"));
    }

    [Fact]
    public async Task RequireAuthorization_ProtectsServerSentEvents()
    {
        await using var service = await StartProtectedAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/carts/alice/changes") { Headers = { { "Accept", "text/event-stream" } } };

        using var refused = await service.Http1.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task RequireAuthorization_LeavesHealthToEveryone()
    {
        await using var service = await StartProtectedAsync();

        Assert.Equal(HttpStatusCode.OK, await SendAsync(service, "GET", "/health/liveness", user: null));
        Assert.Equal(HttpStatusCode.OK, await SendAsync(service, "GET", "/health/readiness", user: null));
        var answer = await new Health.HealthClient(service.Channel).CheckAsync(new HealthCheckRequest(), cancellationToken: Cancellation);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, answer.Status);
    }

    private static Task<TestService> StartProtectedAsync() => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddAuthentication(HeaderScheme.Name).AddScheme<AuthenticationSchemeOptions, HeaderScheme>(HeaderScheme.Name, configureOptions: null);
            cloudState.Services.AddAuthorization();
            cloudState.AddEntity<ShoppingCartEntity>().AddEntity<ProbeEntity>();
        },
        app =>
        {
            app.UseCloudState();
            app.UseAuthentication();
            app.UseAuthorization();
            app.MapCloudState().RequireAuthorization();
        });

    private static Task AddAsync(TestService service, Metadata headers) => service.Carts
        .AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 1 }, headers, cancellationToken: Cancellation).ResponseAsync;

    private static async Task<IEnumerable<string>> ReflectAsync(TestService service, Metadata headers)
    {
        using var call = new ServerReflection.ServerReflectionClient(service.Channel).ServerReflectionInfo(headers, cancellationToken: Cancellation);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, Cancellation);
        await call.RequestStream.CompleteAsync();
        return await call.ResponseStream.MoveNext(Cancellation) ? call.ResponseStream.Current.ListServicesResponse.Service.Select(found => found.Name) : [];
    }

    private static async Task<HttpStatusCode> SendAsync(TestService service, string method, string path, string? user)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "POST")
        {
            request.Content = path == ProbePath
                ? JsonContent.Create(new { id = "a" })
                : JsonContent.Create(new { userId = "alice", productId = "p1", name = "Apple", quantity = 1 });
            request.Headers.Add("ce-specversion", "1.0");
            request.Headers.Add("ce-id", "1");
            request.Headers.Add("ce-source", "/shop");
            request.Headers.Add("ce-type", "com.example.shoppingcart.AddLineItem");
        }

        if (user is not null)
        {
            request.Headers.Add(HeaderScheme.Header, user);
        }

        using var answer = await service.Http1.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    /// <summary>Believes what a header says.</summary>
    private sealed class HeaderScheme(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        public const string Name = "header";

        public const string Header = "x-user";

        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            Request.Headers[Header] is [{ Length: > 0 } user]
                ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], Name)), Name))
                : AuthenticateResult.NoResult());
    }
}
