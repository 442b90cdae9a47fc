using System.Globalization;
using System.IO.Compression;
using System.Net.Sockets;
using System.Text;

namespace CloudState.Knative.Faults.Hostile;

/// <summary>What clients do over the network, without any right.</summary>
internal static class ClientAttacks
{
    /// <summary>A cart that only a smuggled request would write.</summary>
    public const string SmuggledCart = "smuggled";

    private const string HotCart = "hot";
    private const int HugeBody = 64 * 1024 * 1024;

    private static readonly string Smuggled = Post($"/cart/{SmuggledCart}/items/add", """{"productId":"x","quantity":1}""");

    public static IReadOnlyList<Attack> All { get; } =
    [
        new("nothing", (_, ended) => Task.Delay(Timeout.Infinite, ended).ContinueWith(_ => { }, TaskScheduler.Default)),
        Attack.Repeated("slow headers", 100, (service, ended) => DripAsync(service, "GET /carts/slow HTTP/1.1\r\nHost: x\r\n", "x-header: ", ended)),
        Attack.Repeated("slow bodies", 100, (service, ended) => DripAsync(service, "POST /cart/slow/items/add HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{", " ", ended)),
        Attack.Repeated("flood of connections", 32, ConnectAsync),
        Attack.Repeated("flood of requests", 16, FloodAsync),
        Attack.Repeated("rapid resets", 4, Http2Resets.SendAsync),
        Attack.Repeated("bombs", 4, BombAsync),
        Attack.Repeated("smuggling", 4, SmuggleAsync),
        Attack.Repeated("silent clients", 200, (service, ended) => HoldAsync(service, "", ended)),
        Attack.Repeated("vanished clients", 32, VanishAsync),
        new("watchers that never read", (service, ended) => Task.WhenAll(
            Attack.Repeated("", 100, (service, ended) => HoldAsync(service, $"GET /carts/{HotCart}/changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n", ended)).RunAsync(service, ended),
            Attack.Repeated("", 1, WriteHotAsync).RunAsync(service, ended))),
    ];

    private static string Post(string path, string json, string headers = "") =>
        $"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n{headers}\r\n{json}";

    private static async Task DripAsync(HostileService service, string start, string drop, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        await SendAsync(stream, start, ended);
        while (!ended.IsCancellationRequested)
        {
            await Task.Delay(200, ended);
            await SendAsync(stream, drop, ended);
        }
    }

    private static async Task ConnectAsync(HostileService service, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        await SendAsync(stream, "G", ended);
        await Task.Delay(20, ended);
    }

    private static async Task FloodAsync(HostileService service, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        await SendAsync(stream, string.Concat(Enumerable.Range(0, 50).Select(number => $"GET /carts/flood-{number} HTTP/1.1\r\nHost: x\r\n\r\n")), ended);
        await ReadSomeAsync(stream, ended);
    }

    private static async Task HoldAsync(HostileService service, string request, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        await SendAsync(stream, request, ended);
        await Task.Delay(Timeout.Infinite, ended);
    }

    private static async Task VanishAsync(HostileService service, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        stream.Socket.LingerState = new LingerOption(true, 0);
        await SendAsync(stream, Post("/cart/vanished/items/add", """{"productId":"x","quantity":1}""")[..^Random.Shared.Next(2, 60)], ended);
        await Task.Delay(10, ended);
    }

    private static async Task WriteHotAsync(HostileService service, CancellationToken ended)
    {
        await using var stream = await service.ConnectAsync(ended);
        await SendAsync(stream, Post($"/cart/{HotCart}/items/add", $$"""{"productId":"{{Random.Shared.Next(20)}}","name":"{{new string('n', 10_000)}}","quantity":1}"""), ended);
        await ReadSomeAsync(stream, ended);
    }

    private static async Task SmuggleAsync(HostileService service, CancellationToken ended)
    {
        // What the first of two requests says of its length is ambiguous: the second may be its body for a proxy, and a request for a service.
        string[] ambiguous =
        [
            "Content-Length: 0\r\nContent-Length: 5\r\n", "Content-Length : 0\r\n", "Content-Length: 0,5\r\n", "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n", "X: y\n Content-Length: 5\r\n",
        ];
        foreach (var headers in ambiguous)
        {
            await using var stream = await service.ConnectAsync(ended);
            await SendAsync(stream, $"POST /cart/x/items/add HTTP/1.1\r\nHost: x\r\n{headers}\r\n{Smuggled}", ended);
            await ReadSomeAsync(stream, ended);
        }
    }

    private static async Task BombAsync(HostileService service, CancellationToken ended)
    {
        var kind = Random.Shared.Next(5);
        if (kind == 4)
        {
            await GrpcBombAsync(service, ended);
            return;
        }

        await using var stream = await service.ConnectAsync(ended);
        await SendAsync(stream, kind switch
        {
            0 => Post("/cart/bomb/items/add", new string('[', 500_000)),
            1 => $"GET /carts/bomb HTTP/1.1\r\nHost: x\r\nx-huge: {new string('h', 1_000_000)}\r\n\r\n",
            2 => $"GET /{new string('p', 100_000)} HTTP/1.1\r\nHost: x\r\n\r\n",
            _ => string.Create(CultureInfo.InvariantCulture, $"POST /cart/bomb/items/add HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {HugeBody}\r\n\r\n{new string(' ', 1_000_000)}"),
        }, ended);
        await ReadSomeAsync(stream, ended);
    }

    /// <summary>A message of a few kilobytes that is 64 MB when it is decompressed.</summary>
    private static async Task GrpcBombAsync(HostileService service, CancellationToken ended)
    {
        using var compressed = new MemoryStream();
        await using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[1024 * 1024];
            for (var written = 0; written < HugeBody; written += zeros.Length)
            {
                await gzip.WriteAsync(zeros, ended);
            }
        }

        var length = (int)compressed.Length;
        byte[] frame = [1, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, .. compressed.ToArray()];
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(service.Address, "/com.example.shoppingcart.ShoppingCart/AddItem"))
        {
            Version = new Version(2, 0),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame),
        };
        request.Content.Headers.ContentType = new("application/grpc");
        request.Headers.Add("grpc-encoding", "gzip");
        using var answer = await http.SendAsync(request, ended);
        await answer.Content.ReadAsByteArrayAsync(ended);
    }

    private static Task SendAsync(NetworkStream stream, string text, CancellationToken ended) => stream.WriteAsync(Encoding.Latin1.GetBytes(text), ended).AsTask();

    private static async Task ReadSomeAsync(NetworkStream stream, CancellationToken ended)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ended);
        patience.CancelAfter(TimeSpan.FromSeconds(1));
        _ = await stream.ReadAsync(new byte[16 * 1024], patience.Token);
    }
}
