using CloudState.Knative.Faults.Replicas;
using Grpc.Net.Client;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>The connections of all clients to one pod: HTTP/1.1 for REST, HTTP/2 for gRPC.</summary>
internal sealed class PodConnections : IDisposable
{
    private readonly GrpcChannel _channel;

    public PodConnections(int port)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        Http = new HttpClient(Handler()) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = Handler(), DisposeHttpClient = true });
        Carts = new ShoppingCart.Api.ShoppingCart.ShoppingCartClient(_channel);
        (Tallies, Badges) = (new Tallies.TalliesClient(_channel), new Badges.BadgesClient(_channel));

        static SocketsHttpHandler Handler() => new() { ConnectTimeout = TimeSpan.FromSeconds(3), UseProxy = false };
    }

    public HttpClient Http { get; }

    public ShoppingCart.Api.ShoppingCart.ShoppingCartClient Carts { get; }

    public Tallies.TalliesClient Tallies { get; }

    public Badges.BadgesClient Badges { get; }

    public void Dispose()
    {
        Http.Dispose();
        _channel.Dispose();
    }
}
