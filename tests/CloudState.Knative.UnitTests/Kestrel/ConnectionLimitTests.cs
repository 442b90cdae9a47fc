using System.Net;
using CloudState.Knative.Kestrel;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Kestrel;

public sealed class ConnectionLimitTests
{
    private static readonly IPEndPoint Stranger = new(IPAddress.Parse("10.1.2.3"), 4000);
    private static readonly IPEndPoint QueueProxy = new(IPAddress.Loopback, 4000);

    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConnectionDelegate _limited;
    private int _served;

    public ConnectionLimitTests() => _limited = new ConnectionLimit(2, new FakeTimeProvider(), NullLogger<ConnectionLimit>.Instance).Limit(_ =>
    {
        _served++;
        return _closed.Task;
    });

    [Fact]
    public async Task ConnectionsAboveTheLimit_AreClosedAtOnce_UntilOthersHaveEnded()
    {
        var first = Connect(Stranger);
        _ = Connect(Stranger);

        await Connect(Stranger);
        await Connect(Stranger);
        Assert.Equal(2, _served);

        _closed.SetResult();
        await first;
        await Connect(Stranger);
        Assert.Equal(3, _served);
    }

    [Fact]
    public async Task ProbesOfTheSameMachine_HaveRoomAboveTheLimit_ButNotWithoutEnd()
    {
        _ = Connect(Stranger);
        _ = Connect(Stranger);

        for (var probe = 0; probe < 16; probe++)
        {
            Assert.False(Connect(QueueProxy).IsCompleted);
        }

        await Connect(QueueProxy);
        Assert.Equal(2 + 16, _served);
    }

    private Task Connect(EndPoint client) => _limited(new DefaultConnectionContext { RemoteEndPoint = client });
}
