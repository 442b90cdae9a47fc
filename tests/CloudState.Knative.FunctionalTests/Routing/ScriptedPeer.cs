using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Routing;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.FunctionalTests.Routing;

/// <summary>The other end of a link, which says what a test wants it to say.</summary>
internal sealed class ScriptedPeer : IDisposable
{
    public const string Accepts = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: cloudstate-forward\r\n\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public ScriptedPeer()
    {
        _listener.Start();
        Member = new Member(Guid.NewGuid(), "", _listener.LocalEndpoint.ToString()!, "secret", new Dictionary<string, int>());
    }

    public Member Member { get; }

    /// <summary>Answers the request for the next link.</summary>
    public async Task<Link> AcceptAsync(string answer = Accepts)
    {
        var client = await _listener.AcceptTcpClientAsync().WaitAsync(TestService.Patience);
        var link = new Link(client);
        await link.AnswerAsync(answer);
        return link;
    }

    public void Dispose() => _listener.Dispose();

    internal sealed class Link(TcpClient client) : IDisposable
    {
        private readonly PeerOutput _output = new();
        private readonly Channel<(PeerFrameKind Kind, ulong Call)> _frames = Channel.CreateUnbounded<(PeerFrameKind, ulong)>();

        /// <summary>As the peer sent it.</summary>
        public string Request { get; private set; } = "";

        public async Task AnswerAsync(string answer)
        {
            var stream = client.GetStream();
            var request = new StringBuilder();
            var received = new byte[1];
            while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(received) == 1)
            {
                request.Append((char)received[0]);
            }

            Request = request.ToString();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
            _output.Open(stream);
            _ = ReadAsync(stream);
        }

        public void Send(PeerFrameKind kind, ulong call = 0, IMessage? head = null, IMessage? body = null) => _output.Send(kind, call, head, body);

        /// <summary>The next frame of the peer; null when it has ended the link.</summary>
        public async Task<(PeerFrameKind Kind, ulong Call)?> ReceiveAsync()
        {
            using var patience = new CancellationTokenSource(TestService.Patience);
            return await _frames.Reader.WaitToReadAsync(patience.Token) && _frames.Reader.TryRead(out var frame) ? frame : null;
        }

        public void Dispose() => client.Dispose();

        private async Task ReadAsync(Stream stream)
        {
            try
            {
                await PeerInput.ReadAllAsync(stream, frame => _frames.Writer.TryWrite((frame.Kind, frame.Call)), CancellationToken.None);
            }
            catch (IOException)
            {
            }

            _frames.Writer.Complete();
        }
    }
}
