// Checks a cart out, whatever happens to the pods meanwhile: dotnet run http://localhost:8080 alice
using CartClient;
using Microsoft.Extensions.DependencyInjection;

await using var services = new ServiceCollection()
    .AddHttpClient("carts", http => (http.BaseAddress, http.Timeout) = (new Uri(args[0]), TimeSpan.FromMinutes(1))).AddRetries().Services
    .BuildServiceProvider();
using var carts = services.GetRequiredService<IHttpClientFactory>().CreateClient("carts");
using var checkout = new HttpRequestMessage(HttpMethod.Post, $"/carts/{args[1]}/checkout")
{
    // One key for one intention: all attempts have it, and so does a person who starts this again after a crash, if it is kept.
    Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } },
};
using var answer = await carts.SendAsync(checkout);
Console.WriteLine(await answer.Content.ReadAsStringAsync());
