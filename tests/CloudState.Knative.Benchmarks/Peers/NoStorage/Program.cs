using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Peers;
using ShoppingCart.Api;
using Cart = Peers.Cart;

// The limits of the two edges, with nothing behind them: HTTP/1.1 with JSON, and gRPC.
if (args.Contains("--migrate"))
{
    return;
}

var carts = new ConcurrentDictionary<string, Cart>();

var builder = Edge.CreateBuilder(args);
builder.Services.AddGrpc();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, Edge.Port("GRPC_PORT"), port => port.Protocols = HttpProtocols.Http2));

var app = builder.Build();
app.MapGrpcService<EchoService>();
app.MapCarts(
    (user, item) =>
    {
        carts.AddOrUpdate(user, (_, item) => Cart.Empty.With(item), (_, cart, item) => cart.With(item), item);
        return Task.CompletedTask;
    },
    user => new(carts.GetValueOrDefault(user, Cart.Empty)));
await app.RunAsync();

internal sealed class EchoService : ShoppingCart.Api.ShoppingCart.ShoppingCartBase
{
    private static readonly Task<ShoppingCart.Api.Cart> _cart = Task.FromResult(new ShoppingCart.Api.Cart
    {
        Items = { new LineItem { ProductId = "p1", Name = "Apple", Quantity = 2 } },
    });

    public override Task<ShoppingCart.Api.Cart> GetCart(GetShoppingCart request, ServerCallContext context) => _cart;
}
