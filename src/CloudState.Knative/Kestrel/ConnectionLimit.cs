using System.Net;
using CloudState.Knative.Diagnostics;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// How many connections a port has at most. Those from the same machine have some room above the limit: queue-proxy, which runs beside the
/// service, opens a connection for each probe, and a flood from elsewhere would make the pod look dead.
/// </summary>
internal sealed partial class ConnectionLimit(int max, TimeProvider time, ILogger<ConnectionLimit> logger)
{
    private readonly LogLimit _limit = new(time);
    private int _open;

    private int MaxWithProbes => (int)Math.Min(int.MaxValue, max + Math.Max(16L, max / 10));

    public ConnectionDelegate Limit(ConnectionDelegate next) => async connection =>
    {
        try
        {
            var open = Interlocked.Increment(ref _open);
            if (open <= max || (open <= MaxWithProbes && connection.RemoteEndPoint is IPEndPoint { Address: var client } && IPAddress.IsLoopback(client)))
            {
                await next(connection);
            }
            else if (_limit.TryTake(out var count))
            {
                LogRefused(max, count);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    };

    [LoggerMessage(91, LogLevel.Warning, "{Max} connections are open (CloudState:MaxConnections). Further ones are closed at once, {Count} since the last such line.", EventName = "ConnectionsRefused")]
    private partial void LogRefused(int max, long count);
}
