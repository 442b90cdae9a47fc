using System.Net.Sockets;
using CloudState.Knative.Faults.Cluster;
using Grpc.Core;
using ShoppingCart.Api;

namespace CloudState.Knative.Faults.Load;

/// <summary>One attempt over gRPC and HTTP/2. The pod knows the deadline.</summary>
internal static class GrpcCaller
{
    public static async Task<Answer> CallAsync(Pod pod, Operation operation, string commandId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var options = new CallOptions(deadline: DateTime.UtcNow + timeout, cancellationToken: cancellationToken);
        try
        {
            if (operation.Kind == OperationKind.Write)
            {
                var item = new AddLineItem { UserId = operation.Key, ProductId = CartItems.NameOf(operation.Item), Quantity = 1 };
                await pod.Connections.Carts.AddItemAsync(item, options.WithHeaders(new Metadata { { "idempotency-key", commandId } }));
                return Answer.Success([]);
            }

            var items = new List<int>();
            foreach (var item in (await pod.Connections.Carts.GetCartAsync(new GetShoppingCart { UserId = operation.Key }, options)).Items)
            {
                CartItems.Add(items, item.ProductId, item.Quantity);
            }

            return Answer.Success(items);
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
