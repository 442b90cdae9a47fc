using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using CloudState.Knative.Benchmarks.Systems;

namespace CloudState.Knative.Benchmarks.Load;

/// <summary>Writes and reads carts one request at a time, to prepare a measurement; wrk makes the load.</summary>
internal sealed class CartClient(Server server) : IDisposable
{
    private const int Attempts = 50;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(20);
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly HttpClient _http = new() { BaseAddress = server.Address, Timeout = TimeSpan.FromSeconds(60) };
    private readonly CartPaths _paths = server.System.Paths;

    public static string BodyOf(int product) => string.Create(CultureInfo.InvariantCulture, $$"""{"productId":"p{{product % 10}}","name":"Apple","quantity":1}""");

    /// <summary>Adds to a cart; a system that refuses because of a conflict is asked again.</summary>
    public async Task WriteAsync(string cart, int product, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(BodyOf(product))) { Headers = { ContentType = Json } };
            using var response = await _http.PostAsync(new Uri(_paths.WriteOf(cart), UriKind.Relative), content, cancellationToken);
            if (response.IsSuccessStatusCode || attempt == Attempts)
            {
                response.EnsureSuccessStatusCode();
                return;
            }

            await Task.Delay(RetryDelay, cancellationToken);
        }
    }

    public async Task<string> ReadAsync(string cart, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(new HttpMethod(_paths.ReadMethod), _paths.ReadOf(cart));
        using var response = await _http.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    public async Task<bool> TryReadAsync(string cart, CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(cart, cancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public void Dispose() => _http.Dispose();
}
