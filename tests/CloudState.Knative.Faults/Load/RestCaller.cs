using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CloudState.Knative.Faults.Cluster;

namespace CloudState.Knative.Faults.Load;

/// <summary>One attempt over REST and HTTP/1.1.</summary>
internal static class RestCaller
{
    public static Task<Answer> CallAsync(Pod pod, Operation operation, string commandId, TimeSpan timeout, CancellationToken cancellationToken) => operation.Kind == OperationKind.Write
        ? SendAsync(pod.Connections, Write(operation, commandId), _ => [], timeout, cancellationToken)
        : ReadAsync(pod.Connections, operation.Key, timeout, cancellationToken);

    /// <summary>The items of a cart.</summary>
    public static Task<Answer> ReadAsync(PodConnections connections, string cart, TimeSpan timeout, CancellationToken cancellationToken) =>
        SendAsync(connections, new HttpRequestMessage(HttpMethod.Get, $"/carts/{cart}"), ReadItems, timeout, cancellationToken);

    public static async Task<Answer> SendAsync(PodConnections connections, HttpRequestMessage request, Func<string, List<int>> read, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var sent = request;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var response = await connections.Http.SendAsync(sent, limit.Token);
            var body = await response.Content.ReadAsStringAsync(limit.Token);
            return response.StatusCode switch
            {
                HttpStatusCode.OK or HttpStatusCode.NoContent => Answer.Success(read(body)),
                // Unavailable, deadline exceeded, aborted, resource exhausted.
                HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout or HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests =>
                    Answer.Retriable($"{(int)response.StatusCode}"),
                _ => Answer.Unexpected($"{(int)response.StatusCode} {body}"),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Answer.Retriable("no answer");
        }
        catch (HttpRequestException failed)
        {
            return Answer.Of(failed);
        }
        catch (IOException)
        {
            return Answer.Retriable("broken connection (body)");
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException or KeyNotFoundException)
        {
            return Answer.Unexpected($"a body that cannot be read ({malformed.Message})");
        }
    }

    private static HttpRequestMessage Write(Operation operation, string commandId) => new(HttpMethod.Post, $"/cart/{operation.Key}/items/add")
    {
        Headers = { { "Idempotency-Key", commandId } },
        Content = JsonContent.Create(new { productId = CartItems.NameOf(operation.Item), quantity = 1 }),
    };

    private static List<int> ReadItems(string body)
    {
        using var cart = JsonDocument.Parse(body);
        var items = new List<int>();
        foreach (var item in cart.RootElement.GetProperty("items").EnumerateArray())
        {
            CartItems.Add(items, item.GetProperty("productId").GetString()!, item.GetProperty("quantity").GetInt32());
        }

        return items;
    }
}
