using System.Net.Sockets;
using CloudState.Knative.Faults.Cluster;
using Grpc.Core;
using ShoppingCart.Api;

namespace CloudState.Knative.Faults.Load;

/// <summary>One attempt over gRPC and HTTP/2. The pod knows the deadline.</summary>
internal static class GrpcCaller
{
    public static Task<Answer> CallAsync(Pod pod, Operation operation, string commandId, TimeSpan timeout, CancellationToken cancellationToken) => operation.Kind == OperationKind.Write
        ? AddAsync(pod.Connections, operation.Key, operation.Item, commandId, timeout, cancellationToken)
        : ReadAsync(pod.Connections, operation.Key, timeout, cancellationToken);

    public static Task<Answer> AddAsync(PodConnections connections, string cart, int item, string commandId, TimeSpan timeout, CancellationToken cancellationToken) => CallAsync(
        async options =>
        {
            await connections.Carts.AddItemAsync(new AddLineItem { UserId = cart, ProductId = CartItems.NameOf(item), Quantity = 1 }, WithId(options, commandId));
            return [];
        },
        timeout,
        cancellationToken);

    public static Task<Answer> RemoveAsync(PodConnections connections, string cart, int item, string commandId, TimeSpan timeout, CancellationToken cancellationToken) => CallAsync(
        async options =>
        {
            await connections.Carts.RemoveItemAsync(new RemoveLineItem { UserId = cart, ProductId = CartItems.NameOf(item) }, WithId(options, commandId));
            return [];
        },
        timeout,
        cancellationToken);

    /// <summary>The items of a cart.</summary>
    public static Task<Answer> ReadAsync(PodConnections connections, string cart, TimeSpan timeout, CancellationToken cancellationToken) => CallAsync(
        async options =>
        {
            var items = new List<int>();
            foreach (var item in (await connections.Carts.GetCartAsync(new GetShoppingCart { UserId = cart }, options)).Items)
            {
                CartItems.Add(items, item.ProductId, item.Quantity);
            }

            return items;
        },
        timeout,
        cancellationToken);

    /// <summary>One attempt of any call that says what items there are.</summary>
    public static async Task<Answer> CallAsync(Func<CallOptions, Task<List<int>>> call, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return Answer.Success(await call(new CallOptions(deadline: DateTime.UtcNow + timeout, cancellationToken: cancellationToken)));
        }
        catch (RpcException failed) when (!cancellationToken.IsCancellationRequested)
        {
            return ToAnswer(failed.Status);
        }
        catch (RpcException cancelled)
        {
            throw new OperationCanceledException(cancelled.Message, cancelled, cancellationToken);
        }
        catch (ObjectDisposedException)
        {
            return Answer.Retriable("broken connection (disposed)");
        }
        catch (FormatException malformed)
        {
            return Answer.Unexpected(malformed.Message);
        }
    }

    public static CallOptions WithId(CallOptions options, string commandId) => options.WithHeaders(new Metadata { { "idempotency-key", commandId } });

    private static Answer ToAnswer(Status status) => status switch
    {
        { StatusCode: StatusCode.DeadlineExceeded } => Answer.Retriable("no answer"),
        // Made up by the client, for a connection that could not be made or that broke.
        { DebugException: HttpRequestException failed } => Answer.Of(failed),
        { DebugException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } => Answer.Refused,
        { DebugException: { } failed } => Answer.Retriable($"broken connection ({failed.GetType().Name})"),
        { StatusCode: StatusCode.Unavailable or StatusCode.Aborted or StatusCode.ResourceExhausted } => Answer.Retriable($"{status.StatusCode}"),
        _ => Answer.Unexpected($"{status.StatusCode}: {status.Detail}"),
    };
}
