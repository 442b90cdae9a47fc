using CloudState.Knative.Calls;
using CloudState.Knative.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.ClientFactory;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Remote;

/// <summary>The services of others that handlers can call by effects and forwards.</summary>
internal sealed class RemoteServices(IEnumerable<RemoteServiceRegistration> registrations, IServiceProvider services)
{
    private readonly Dictionary<string, RemoteServiceRegistration> _byService = registrations.ToDictionary(registration => registration.Service.FullName);

    /// <summary>The service of an rpc, <c>package.Service/Method</c>; null when none is registered.</summary>
    public RemoteService? Find(string method) =>
        Look(method) is var (registration, rpc)
        ? new RemoteService(services.GetRequiredService<GrpcClientFactory>().CreateClient<RawClient>(registration.ClientName), rpc) : null;

    /// <summary>Whether there is such an rpc.</summary>
    public bool Has(string method) => Look(method) is not null;

    private (RemoteServiceRegistration Registration, MethodDescriptor Rpc)? Look(string method) =>
        method.Split('/') is [var service, var name] && _byService.TryGetValue(service, out var registration) && registration.Service.FindMethodByName(name) is { } rpc
            ? (registration, rpc)
            : null;
}

/// <summary>A service that was added with <c>AddServiceClient</c>.</summary>
/// <param name="Service">What it offers.</param>
/// <param name="Name">What the configuration calls it.</param>
internal sealed record RemoteServiceRegistration(Google.Protobuf.Reflection.ServiceDescriptor Service, string Name)
{
    /// <summary>The client for calls whose message is serialized already.</summary>
    public string ClientName => $"cloudstate:{Name}:{Service.FullName}";
}

/// <summary>One rpc of another service.</summary>
internal sealed class RemoteService(RawClient client, MethodDescriptor rpc)
{
    public async ValueTask<CallOutcome> CallAsync(OutgoingCall call, string id, CallScope scope)
    {
        var headers = new Metadata { { HttpCommandId, CommandIds.ToHeader(id) } };
        foreach (var (name, value) in call.Metadata)
        {
            if (IsForwarded(name))
            {
                headers.Add(name, value);
            }
        }

        try
        {
            var reply = await client.CallAsync(rpc, call.Message.ToByteArray(), new CallOptions(headers, scope.Deadline?.UtcDateTime, scope.CallCancelled));
            return CallOutcome.Replied(rpc.OutputType.Parse(reply));
        }
        catch (RpcException failed)
        {
            return CallOutcome.Rejected(failed.Status);
        }
    }

    private const string HttpCommandId = CallHeaders.CommandId;

    /// <summary>What belongs to the connection or the encoding of the call that came in does not belong to the one that goes out.</summary>
    private static bool IsForwarded(string name) => name.ToLowerInvariant() is not (
        "host" or "connection" or "te" or "user-agent" or "transfer-encoding" or "upgrade" or "keep-alive" or "expect" or "traceparent" or "tracestate" or HttpCommandId)
        && !name.StartsWith("content-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("accept", StringComparison.OrdinalIgnoreCase)
        && !name.EndsWith("-bin", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Calls any rpc with bytes.</summary>
internal sealed class RawClient : ClientBase<RawClient>
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);

    public RawClient(CallInvoker invoker)
        : base(invoker)
    {
    }

    private RawClient(ClientBaseConfiguration configuration)
        : base(configuration)
    {
    }

    public AsyncUnaryCall<byte[]> CallAsync(MethodDescriptor rpc, byte[] message, CallOptions options) =>
        CallInvoker.AsyncUnaryCall(new Method<byte[], byte[]>(MethodType.Unary, rpc.Service.FullName, rpc.Name, Bytes, Bytes), host: null, options, message);

    protected override RawClient NewInstance(ClientBaseConfiguration configuration) => new(configuration);
}
