using System.Net.Http.Json;
using CloudState.Knative.Faults.Cluster;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Upgrade;

/// <summary>One attempt of a command, over the edge that it always takes.</summary>
internal static class CommandCaller
{
    private const string Source = "/tests/upgrade";

    public static Task<Answer> CallAsync(PodConnections connections, SentCommand command, TimeSpan timeout, CancellationToken cancellationToken) => command switch
    {
        { Edge: CommandEdge.Grpc, IsRemoval: true } => GrpcCaller.RemoveAsync(connections, command.Cart, command.Item, command.Id, timeout, cancellationToken),
        { Edge: CommandEdge.Grpc } => GrpcCaller.AddAsync(connections, command.Cart, command.Item, command.Id, timeout, cancellationToken),
        { Edge: CommandEdge.Rest } => RestCaller.SendAsync(connections, ToRequest(command), _ => [], timeout, cancellationToken),
        _ => RestCaller.SendAsync(connections, ToEvent(command), _ => [], timeout, cancellationToken),
    };

    /// <summary>Whether the handler has said no.</summary>
    public static bool IsRejection(Answer answer) =>
        answer.Kind == AnswerKind.Unexpected && answer.Text.Contains("is not in the cart", StringComparison.Ordinal);

    private static HttpRequestMessage ToRequest(SentCommand command)
    {
        var request = command.IsRemoval
            ? new HttpRequestMessage(HttpMethod.Post, $"/cart/{command.Cart}/items/{CartItems.NameOf(command.Item)}/remove")
            : new HttpRequestMessage(HttpMethod.Post, $"/cart/{command.Cart}/items/add") { Content = JsonContent.Create(new { productId = CartItems.NameOf(command.Item), quantity = 1 }) };
        request.Headers.Add("Idempotency-Key", command.Id);
        return request;
    }

    private static HttpRequestMessage ToEvent(SentCommand command) => new(HttpMethod.Post, "/")
    {
        Headers =
        {
            { "ce-specversion", "1.0" },
            { "ce-id", command.Id },
            { "ce-source", Source },
            { "ce-type", command.IsRemoval ? "com.example.shoppingcart.RemoveLineItem" : "com.example.shoppingcart.AddLineItem" },
            { "ce-subject", command.Cart },
        },
        Content = command.IsRemoval
            ? JsonContent.Create(new { productId = CartItems.NameOf(command.Item) })
            : JsonContent.Create(new { productId = CartItems.NameOf(command.Item), quantity = 1 }),
    };
}
