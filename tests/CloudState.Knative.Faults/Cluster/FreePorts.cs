using System.Net;
using System.Net.Sockets;

namespace CloudState.Knative.Faults.Cluster;

/// <summary>
/// Ports that nobody else uses: below the range from which the kernel takes ports for outgoing connections, so that a listener that
/// was closed for a while gets its port back.
/// </summary>
internal static class FreePorts
{
    private static readonly HashSet<int> Given = [];

    public static int Next()
    {
        lock (Given)
        {
            while (true)
            {
                var port = Random.Shared.Next(14000, 32000);
                if (Given.Add(port) && IsFree(port))
                {
                    return port;
                }
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
