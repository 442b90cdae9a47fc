using System.Text;
using CartClient;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using ShoppingCart;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Clients;

/// <summary>The retry policies of samples/Orders/Client: a command whose answers are lost takes effect once, and its client gets an answer.</summary>
public sealed class RetriesTests
{
    private static readonly AddLineItem Command = new() { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 };

    [Fact]
    public async Task LostAnswers_OverHttp()
    {
        await using var service = await StartAsync();
        await using var clients = new ServiceCollection().AddHttpClient("carts").AddRetries().Services.BuildServiceProvider();
        using var carts = clients.GetRequiredService<IHttpClientFactory>().CreateClient("carts");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(service.Address, "/cart/alice/items/add"))
        {
            Headers = { { "Idempotency-Key", "1" } },
            Content = new StringContent("""{"productId":"p1","name":"Apple","quantity":2}""", Encoding.UTF8, "application/json"),
        };

        using var answer = await carts.SendAsync(request, TestContext.Current.CancellationToken).WaitAsync(TestService.Patience);

        Assert.Equal("{}", await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        await AssertOnceAsync(service);
    }

    [Fact]
    public async Task LostAnswers_OverGrpc()
    {
        await using var service = await StartAsync();
        using var channel = GrpcChannel.ForAddress(service.Address, Retries.Grpc);

        await new ShoppingCart.Api.ShoppingCart.ShoppingCartClient(channel)
            .AddItemAsync(Command, new Metadata { { "idempotency-key", "1" } }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync.WaitAsync(TestService.Patience);

        await AssertOnceAsync(service);
    }

    /// <summary>A service that loses two answers to commands that have taken effect, and refuses one command, before it is itself again.</summary>
    private static async Task<TestService> StartAsync()
    {
        var (service, attempt) = ((TestService?)null, 0);
        return service = await TestService.StartHostAsync(
            cloudState => cloudState.AddEntity<ShoppingCartEntity>(),
            app =>
            {
                app.Use(async (http, next) =>
                {
                    switch (http.Request.Headers.ContainsKey("Idempotency-Key") && !http.Request.Headers.ContainsKey("Direct") ? ++attempt : 0)
                    {
                        case 1 or 2:
                            await service!.Carts.AddItemAsync(Command, new Metadata { { "idempotency-key", "1" }, { "direct", "yes" } });
                            http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
                            break;
                        case 3:
                            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                            break;
                        default:
                            await next(http);
                            break;
                    }
                });
                app.UseCloudState();
                app.MapCloudState();
            });
    }

    private static async Task AssertOnceAsync(TestService service) =>
        Assert.Equal(Command.Quantity, Assert.Single((await service.Carts.GetCartAsync(new GetShoppingCart { UserId = "alice" })).Items).Quantity);
}
