using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>Sends requests of HTTP/1.1 byte by byte as they are written here; a client would repair some of them.</summary>
internal static class RawHttp
{
    /// <param name="service">To whom.</param>
    /// <param name="verb">The method.</param>
    /// <param name="path">Where to.</param>
    /// <param name="headers">A header each. Content-Length and Connection are added, and Host when it is not there.</param>
    /// <param name="body">The body; null for a request without one.</param>
    public static async Task<Answer> SendAsync(TestService service, string verb, string path, IEnumerable<string> headers, byte[]? body)
    {
        var lines = headers.ToList();
        if (!lines.Exists(line => line.StartsWith("Host:", StringComparison.OrdinalIgnoreCase)))
        {
            lines.Add($"Host: {service.Address.Authority}");
        }

        var head = string.Join("\r\n", [$"{verb} {path} HTTP/1.1", .. lines, .. body is null ? Array.Empty<string>() : [$"Content-Length: {body.Length}"], "Connection: close", "", ""]);
        using var timeout = new CancellationTokenSource(TestService.Patience);
        using var client = new TcpClient();
        await client.ConnectAsync(service.Address.Host, service.Address.Port, timeout.Token);
        var stream = client.GetStream();
        await stream.WriteAsync((byte[])[.. Encoding.UTF8.GetBytes(head), .. body ?? []], timeout.Token);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return new Answer(await reader.ReadToEndAsync(timeout.Token));
    }

    internal sealed record Answer(string Text)
    {
        public int Status => int.Parse(Text.Split(' ', 3)[1], CultureInfo.InvariantCulture);

        public string Body => Text[(Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];

        /// <summary>Why the request was refused; empty when it was not.</summary>
        public string Detail => Body.IndexOf('{', StringComparison.Ordinal) is var start and >= 0
            ? JsonDocument.Parse(Body[start..(Body.LastIndexOf('}') + 1)]).RootElement.GetProperty("detail").GetString()!
            : "";
    }
}
