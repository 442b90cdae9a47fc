using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Rooms;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using RoomsClient = CloudState.Knative.FunctionalTests.Rooms.Rooms.RoomsClient;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Internal rpcs: no edge serves them; timers, calls of handlers, event logs and topics reach them.</summary>
public sealed class InternalRpcTests : IAsyncLifetime
{
    private const string Release = "cloudstate.tests.rooms.Rooms/Release";

    private readonly string _room = Guid.NewGuid().ToString("N");
    private TestService _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _service = await RoomService.StartAsync();
        await _service.Rooms().BookAsync(new BookRoom { Room = _room, Guests = 1 });
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Grpc_IsUnimplemented(bool isWeb)
    {
        using var web = GrpcChannel.ForAddress(_service.Address, new GrpcChannelOptions { HttpHandler = new GrpcWebHandler(new HttpClientHandler()) });
        var channel = isWeb ? web : _service.Channel;
        var rooms = new RoomsClient(channel);
        using var watch = rooms.WatchInside(new GetRoom { Room = _room }, cancellationToken: Cancellation);

        Func<Task>[] calls =
        [
            () => rooms.ReleaseAsync(new ReleaseRoom { Room = _room }).ResponseAsync,
            () => watch.ResponseStream.MoveNext(Cancellation),
            () => new Housekeeping.HousekeepingClient(channel).CleanAsync(new Booked()).ResponseAsync,
        ];

        foreach (var call in calls)
        {
            Assert.Equal(StatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
        }

        Assert.Equal(1, await _service.GuestsAsync(_room));
    }

    [Theory]
    [InlineData(Release, "application/json")]
    [InlineData("cloudstate.tests.rooms.Rooms/WatchInside", "application/json")]
    [InlineData("cloudstate.tests.rooms.Rooms/WatchInside", "text/event-stream")]
    [InlineData("cloudstate.tests.rooms.Housekeeping/Clean", "application/json")]
    public async Task Json_IsNotServed(string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/{path}") { Content = JsonContent.Create(new { room = _room }) };
        request.Headers.Add("Accept", accept);

        using var answer = await _service.Http1.SendAsync(request, Cancellation);

        Assert.Contains(answer.StatusCode, (HttpStatusCode[])[HttpStatusCode.NotFound, HttpStatusCode.UnsupportedMediaType]);
        Assert.Equal(1, await _service.GuestsAsync(_room));
    }

    [Theory]
    [InlineData("/", Release)]
    [InlineData("/", "cloudstate.tests.rooms.ReleaseRoom")]
    [InlineData("/cloudevents", Release)]
    [InlineData("/", "cloudstate.tests.rooms.Housekeeping/Clean")]
    [InlineData("/", "cloudstate.internal.ActionTimers/Change")]
    public async Task CloudEvent_IsRefused(string path, string type)
    {
        using var answer = await SendAsync(path, type);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.DoesNotContain("Release", (await answer.Content.ReadAsStringAsync(Cancellation)).Split("Known types:")[1], StringComparison.Ordinal);
        Assert.Equal(1, await _service.GuestsAsync(_room));
    }

    [Fact]
    public async Task EventOfItsTopic_Arrives()
    {
        using var answer = await SendAsync("/topics/releases", "cloudstate.tests.rooms.ReleaseRoom");

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(0, await _service.GuestsAsync(_room));
    }

    [Theory]
    [InlineData("timer")]
    [InlineData("call")]
    [InlineData("reply")]
    public async Task CallFromWithin_Arrives(string way)
    {
        await _service.Bookings().CancelAsync(new Reservation { Room = _room, Way = way });

        await _service.EmptyAsync(_room, Cancellation);
    }

    [Fact]
    public async Task LocalClient_Reaches() =>
        Assert.Equal(0, (await _service.Services.GetRequiredService<RoomsClient>().ReleaseAsync(new ReleaseRoom { Room = _room })).Guests);

    [Fact]
    public async Task EventLog_Reaches()
    {
        var cleaned = await _service.Services.GetRequiredService<Channel<Booked>>().Reader.ReadAsync(Cancellation).AsTask().WaitAsync(TestService.Patience, Cancellation);

        Assert.Equal(_room, cleaned.Room);
    }

    [Fact]
    public async Task LandingPage_DoesNotListThem()
    {
        var page = await _service.Http1.GetFromJsonAsync<JsonElement>("/", Cancellation);

        Assert.Contains("Rooms/Book", page.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("Release", page.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("Housekeeping", page.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InternalRpcWithAPath_EndsTheStart()
    {
        var refused = await Assert.ThrowsAsync<EntityDefinitionException>(() => TestService.StartHostAsync(cloudState => cloudState.AddAction<Contradictory>()));

        Assert.Equal(
            "cloudstate.tests.rooms.Contradiction/Get is internal (cloudstate.internal_rpc or internal_service), but has a path for clients (google.api.http). Remove one of them.",
            refused.Message);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(new { room = _room }) };
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-type", type);
        request.Headers.Add("ce-source", "/tests");
        request.Headers.Add("ce-id", _room);
        return await _service.Http1.SendAsync(request, Cancellation);
    }

    [Action<Contradiction.ContradictionBase>]
    private sealed class Contradictory
    {
        public Room Get(GetRoom message) => new();
    }
}
