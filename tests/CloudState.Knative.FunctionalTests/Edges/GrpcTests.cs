using System.Net.Sockets;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Grpc.Reflection.V1Alpha;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ShoppingCart.Api;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

public sealed class GrpcTests : IAsyncLifetime
{
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await TestService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task Cart_IsServed()
    {
        await _service.Carts.AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Name = "Apple", Quantity = 2 });

        var cart = await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = "alice" });

        Assert.Equal(new Cart { Items = { new LineItem { ProductId = "p1", Name = "Apple", Quantity = 2 } } }, cart);
    }

    [Fact]
    public async Task Rejection_HasItsStatusAndText()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await _service.Carts.AddItemAsync(new AddLineItem { UserId = "alice", ProductId = "p1", Quantity = -1 }));

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.Equal("The quantity of item p1 must be positive, but is -1.", refused.Status.Detail);
    }

    [Theory]
    [InlineData(MethodType.Unary, "AddItem")]
    [InlineData(MethodType.ServerStreaming, "WatchCart")]
    public async Task MessagesThatCannotBeRead_AreInvalidArgument_AndOneLineOfTheLog(MethodType type, string rpc)
    {
        using var log = new ServiceLog();
        await using var service = await TestService.StartAsync(more: cloudState => cloudState.Services.AddSingleton<ILoggerProvider>(log));
        var bytes = Marshallers.Create<byte[]>(content => content, content => content);
        var method = new Method<byte[], byte[]>(type, ShoppingCart.Api.ShoppingCart.Descriptor.FullName, rpc, bytes, bytes);
        var invoker = service.Channel.CreateCallInvoker();

        foreach (var message in (byte[][])[[0x0A, 0xFF], [0x0A, 1, 0xFF], [0xFF]])
        {
            var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                if (type == MethodType.Unary)
                {
                    await invoker.AsyncUnaryCall(method, host: null, default, message);
                    return;
                }

                using var call = invoker.AsyncServerStreamingCall(method, host: null, default, message);
                await call.ResponseStream.MoveNext(CancellationToken.None);
            });
            Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
            Assert.Contains($"{rpc} cannot be read: ", refused.Status.Detail, StringComparison.Ordinal);
        }

        Assert.Contains(rpc, Assert.Single(log.Of("UnreadableMessage")), StringComparison.Ordinal);
        Assert.Empty(log.Of("RpcConnectionError"));
    }

    [Fact]
    public async Task SilentHttp2Client_IsPingedAndThenLetGo()
    {
        await using var service = await TestService.StartAsync(settings: [("CloudState:KeepAlivePingDelay", "00:00:01"), ("CloudState:KeepAlivePingTimeout", "00:00:01")]);
        using var client = new TcpClient();
        await client.ConnectAsync(service.Address.Host, service.Address.Port);
        var stream = client.GetStream();
        // The preface and empty settings; nothing is ever acknowledged after that.
        await stream.WriteAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0]);

        using var received = new MemoryStream();
        try
        {
            await stream.CopyToAsync(received).WaitAsync(TestService.Patience);
        }
        catch (IOException)
        {
            // A reset is an end as well.
        }

        // A frame of type 6, with 8 bytes, on stream 0.
        Assert.Contains("0000080600000000", Convert.ToHexString(received.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task EmptyKey_IsInvalidArgument()
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await _service.Carts.GetCartAsync(new GetShoppingCart()));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("user_id", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CommandIdInMetadata_AppliesOnce()
    {
        var add = new AddLineItem { UserId = "bob", ProductId = "p1", Name = "Apple", Quantity = 2 };
        var metadata = new Metadata { { "idempotency-key", "order-1" } };
        await _service.Carts.AddItemAsync(add, metadata);
        await _service.Carts.AddItemAsync(add, metadata);

        Assert.Equal(2, Assert.Single((await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = "bob" })).Items).Quantity);
    }

    [Fact]
    public async Task GrpcWeb_IsServedOverHttp1()
    {
        using var channel = GrpcChannel.ForAddress(_service.Address, new GrpcChannelOptions
        {
            HttpHandler = new GrpcWebHandler(GrpcWebMode.GrpcWebText, new HttpClientHandler()),
            HttpVersion = new Version(1, 1),
        });
        var carts = new ShoppingCart.Api.ShoppingCart.ShoppingCartClient(channel);

        await carts.AddItemAsync(new AddLineItem { UserId = "web", ProductId = "p1", Quantity = 1 });

        Assert.Single((await carts.GetCartAsync(new GetShoppingCart { UserId = "web" })).Items);
    }

    [Fact]
    public async Task Health_IsServing()
    {
        var reply = await new Health.HealthClient(_service.Channel).CheckAsync(new HealthCheckRequest());

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, reply.Status);
    }

    [Fact]
    public async Task DeadlineInAYear_IsNoProblem() =>
        Assert.Empty((await _service.Carts.GetCartAsync(new GetShoppingCart { UserId = Guid.NewGuid().ToString() }, deadline: DateTime.UtcNow.AddYears(1))).Items);

    [Fact]
    public async Task UnknownRpcOfHealth_IsUnimplemented()
    {
        var health = new Method<HealthCheckRequest, HealthCheckResponse>(
            MethodType.Unary, Health.Descriptor.FullName, "Improve",
            Marshallers.Create(request => request.ToByteArray(), HealthCheckRequest.Parser.ParseFrom), Marshallers.Create(reply => reply.ToByteArray(), HealthCheckResponse.Parser.ParseFrom));

        var failure = await Assert.ThrowsAsync<RpcException>(() => _service.Channel.CreateCallInvoker().AsyncUnaryCall(health, host: null, default, new HealthCheckRequest()).ResponseAsync);

        Assert.Equal(StatusCode.Unimplemented, failure.StatusCode);
    }

    [Fact]
    public async Task Reflection_ListsTheServices()
    {
        using var call = new ServerReflection.ServerReflectionClient(_service.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext());

        Assert.Equal(
            ["com.example.shoppingcart.ShoppingCart", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"],
            call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).Order(StringComparer.Ordinal));
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task Reflection_DescribesHealth_InBothVersions()
    {
        using var older = new ServerReflection.ServerReflectionClient(_service.Channel).ServerReflectionInfo();
        using var newer = new global::Grpc.Reflection.V1.ServerReflection.ServerReflectionClient(_service.Channel).ServerReflectionInfo();
        await older.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = Health.Descriptor.FullName });
        await newer.RequestStream.WriteAsync(new global::Grpc.Reflection.V1.ServerReflectionRequest { FileContainingSymbol = Health.Descriptor.FullName });

        Assert.True(await older.ResponseStream.MoveNext());
        Assert.True(await newer.ResponseStream.MoveNext());
        Assert.Contains(Health.Descriptor.File.SerializedData, older.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
        Assert.Contains(Health.Descriptor.File.SerializedData, newer.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
    }

    // When this fails after an upgrade of the packages: add the new rpc where the service is mapped.
    [Fact]
    public void AllRpcs_OfTheServicesThatAreMappedLate_AreRouted() => Assert.Superset(
        new[] { Health.Descriptor, ServerReflection.Descriptor, global::Grpc.Reflection.V1.ServerReflection.Descriptor }
            .SelectMany(service => service.Methods, (service, rpc) => (string?)$"/{service.FullName}/{rpc.Name}").ToHashSet(),
        _service.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Select(endpoint => endpoint.RoutePattern.RawText).ToHashSet());

    [Fact]
    public async Task FirstBytesOneByOne_AreStillTold()
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(_service.Address.Host, _service.Address.Port);
        var stream = client.GetStream();
        foreach (var letter in "GET /health/liveness HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray())
        {
            await stream.WriteAsync(new[] { letter });
            await stream.FlushAsync();
        }

        using var reader = new StreamReader(stream, Encoding.ASCII);
        var answer = await reader.ReadToEndAsync().WaitAsync(TestService.Patience);
        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectionThatHasSaidNothing_DoesNotHoldUpTheStop()
    {
        await using var service = await TestService.StartAsync(settings: ("CloudState:ProtocolDetectionTimeout", "01:00:00"));
        using var client = new TcpClient();
        await client.ConnectAsync(service.Address.Host, service.Address.Port);
        // Once a later connection has been answered, the first was accepted.
        Assert.True((await service.Http1.GetAsync(new Uri("/health/liveness", UriKind.Relative))).IsSuccessStatusCode);

        await service.StopAsync().WaitAsync(TestService.Patience / 2);

        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]));
    }
}
