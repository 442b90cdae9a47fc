using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Peers;
using ShoppingCart.Api;

// What the start of a service costs that has gRPC and REST from the same .proto, and nothing else.
if (args.Contains("--migrate"))
{
    return;
}

var builder = Edge.CreateBuilder(args);
builder.Services.AddGrpc().AddJsonTranscoding();

var app = builder.Build();
app.MapGrpcService<EmptyService>();
await app.RunAsync();

internal sealed class EmptyService : ShoppingCart.Api.ShoppingCart.ShoppingCartBase
{
    public override Task<Empty> AddItem(AddLineItem request, ServerCallContext context) => Task.FromResult(new Empty());

    public override Task<ShoppingCart.Api.Cart> GetCart(GetShoppingCart request, ServerCallContext context) => Task.FromResult(new ShoppingCart.Api.Cart());
}
