using System.Net;
using System.Net.Sockets;

namespace CloudState.Knative.Benchmarks.Processes;

/// <summary>Ports that nobody uses: below the range from which the kernel takes ports for outgoing connections, and each given once.</summary>
internal static class FreePorts
{
    private static readonly HashSet<int> Given = [];

    public static int Next()
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
