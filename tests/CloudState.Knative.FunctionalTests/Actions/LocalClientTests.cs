using System.Diagnostics;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Rooms;
using CloudState.Knative.FunctionalTests.Routing;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using RoomsClient = CloudState.Knative.FunctionalTests.Rooms.Rooms.RoomsClient;

namespace CloudState.Knative.FunctionalTests.Actions;

/// <summary>Clients of the service's own rpcs, in constructors of actions and of objects of the container.</summary>
public sealed class LocalClientTests(PostgresSchema schema) : IClassFixture<PostgresSchema>, IAsyncLifetime
{
    private readonly string _room = Guid.NewGuid().ToString("N");
    private TestService _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _service = await RoomService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task AwaitedCall_HasReplyMetadataAndTrace()
    {
        var trace = ActivityTraceId.CreateRandom().ToString();
        using var call = _service.Bookings().ReserveAsync(
            new Reservation { Room = _room, Guests = 1 }, new Metadata { { "traceparent", $"00-{trace}-00f067aa0ba902b7-01" } });

        Assert.Equal(new Room { Guests = 1, Caller = "reserve", TraceId = trace }, await call);
        Assert.Equal("1", (await call.ResponseHeadersAsync).GetValue("x-guests"));
    }

    [Fact]
    public async Task Rejection_IsAnRpcException_WhichIsTheActionsOutcomeToo()
    {
        var failure = await FailureAsync(new Reservation { Room = _room, Guests = 100 });

        Assert.Equal((StatusCode.OutOfRange, $"Room {_room} is too small."), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task RepeatedAction_TakesEffectOnce()
    {
        var id = new Metadata { { "idempotency-key", _room } };
        for (var attempt = 0; attempt < 2; attempt++)
        {
            Assert.Equal(1, (await _service.Bookings().ReserveAsync(new Reservation { Room = _room, Guests = 1 }, id)).Guests);
        }

        Assert.Equal(1, await _service.GuestsAsync(_room));
    }

    [Fact]
    public async Task Stream_HasEachVersion_UntilItsReaderLeaves()
    {
        using var follow = _service.Bookings().Follow(new GetRoom { Room = _room }, cancellationToken: Cancellation);
        var seen = new List<int>();
        while (await follow.ResponseStream.MoveNext(Cancellation))
        {
            seen.Add(follow.ResponseStream.Current.Guests);
            await _service.Rooms().BookAsync(new BookRoom { Room = _room, Guests = 1 });
        }

        Assert.Equal([0, 1, 2], seen);
    }

    [Fact]
    public async Task Loop_EndsAtTheCallDepth()
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => _service.Bookings().LoopAsync(new GetRoom { Room = _room }).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.StartsWith("More than 32 calls have led to cloudstate.tests.rooms.Bookings/Loop", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deadline_Holds() =>
        Assert.Equal(StatusCode.DeadlineExceeded, (await FailureAsync(new Reservation { Room = _room, Guests = 1, Way = "late" })).StatusCode);

    [Fact]
    public async Task DeadlineBeyondAllTimers_IsNoObstacle()
    {
        var rooms = _service.Services.GetRequiredService<RoomsClient>();

        Assert.Equal(1, (await rooms.BookAsync(new BookRoom { Room = _room, Guests = 1 }, deadline: DateTime.UtcNow.AddYears(1))).Guests);
        Assert.Equal(1, (await _service.Rooms().GetAsync(new GetRoom { Room = _room }, deadline: DateTime.UtcNow.AddYears(1))).Guests);
    }

    [Fact]
    public async Task BlockingCall_SaysWhatToAwait()
    {
        var rooms = _service.Services.GetRequiredService<RoomsClient>();

        var refused = Assert.Throws<InvalidOperationException>(() => rooms.Book(new BookRoom { Room = _room }));

        Assert.Equal("/cloudstate.tests.rooms.Rooms/Book is called within its service, where no thread may block. Await BookAsync.", refused.Message);
    }

    [Fact]
    public async Task CancelledCall_IsCancelled()
    {
        using var watch = _service.Services.GetRequiredService<RoomsClient>().Watch(new GetRoom { Room = _room });
        Assert.True(await watch.ResponseStream.MoveNext(Cancellation));
        var next = watch.ResponseStream.MoveNext(Cancellation);

        watch.Dispose();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => next.WaitAsync(TestService.Patience))).StatusCode);
    }

    [Fact]
    public async Task MessageOfTheCaller_IsNotThatOfTheEntity()
    {
        var rooms = _service.Services.GetRequiredService<RoomsClient>();

        using var watch = rooms.Watch(new GetRoom { Room = _room });
        Assert.True(await watch.ResponseStream.MoveNext(Cancellation));
        watch.ResponseStream.Current.Guests = 7;

        Assert.Equal(0, await _service.GuestsAsync(_room));
    }

    [Fact]
    public async Task EntityOfAnotherPod_IsCalledThere()
    {
        await using var first = await RoomService.StartAsync(Pods.Settings(schema));
        await using var second = await RoomService.StartAsync(Pods.Settings(schema));
        await Pods.SettledAsync(first, second);

        foreach (var owner in new[] { first, second })
        {
            var room = owner.KeyOf(RoomEntity.EntityType);
            Assert.Equal(1, (await first.Bookings().ReserveAsync(new Reservation { Room = room, Guests = 1 })).Guests);
        }
    }

    [Fact]
    public async Task EntityThatWouldWaitForAnother_EndsTheStart()
    {
        var refused = await StartFailureAsync(cloudState => cloudState.AddEntity<WaitingEntity>());

        Assert.Equal(
            $"The constructor of {typeof(WaitingEntity).FullName} takes the RoomsClient 'rooms'. An entity that waits for another one can wait for ever, because " +
            "that may wait for it. Call the rpc with context.Call, CallAndWait or ReplyFrom, or let an action call both entities.",
            refused.Message);
    }

    [Fact]
    public async Task EntityThatWaitsThroughAnObject_IsRefused_AndGoesOn()
    {
        await using var service = await TestService.StartHostAsync(
            cloudState => cloudState.AddEntity<RoundaboutEntity>().Services.AddSingleton<RoomDirectory>(), ("CloudState:EnableDetailedErrors", "true"));
        service.ExpectErrors();

        var refused = await Assert.ThrowsAsync<RpcException>(() => service.Rooms().BookAsync(new BookRoom { Room = _room }).ResponseAsync);

        Assert.EndsWith(
            ": The handler of an entity cannot wait for another rpc of its service, which may wait for it. Use context.Call, CallAndWait or ReplyFrom.",
            refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, await service.GuestsAsync(_room));
    }

    [Fact]
    public async Task UnknownClient_EndsTheStart()
    {
        var refused = await StartFailureAsync(cloudState => cloudState.AddAction<BookingAction>().Services.AddSingleton<RoomDirectory>());

        Assert.Equal(
            $"The constructor of {typeof(BookingAction).FullName} takes the RoomsClient 'rooms'. Nothing says which service that calls. " +
            "Register the class that implements it with AddEntity or AddAction, or another service with AddServiceClient.",
            refused.Message);
    }

    [Fact]
    public async Task UnknownDependency_EndsTheStart()
    {
        var refused = await StartFailureAsync(cloudState => cloudState.AddEntity<RoomEntity>().AddAction<BookingAction>());

        Assert.Equal(
            $"The constructor of {typeof(BookingAction).FullName} takes the RoomDirectory 'directory'. It is not registered. Add it to builder.Services.",
            refused.Message);
    }

    private static Task<EntityDefinitionException> StartFailureAsync(Action<CloudStateBuilder> add) =>
        Assert.ThrowsAsync<EntityDefinitionException>(() => TestService.StartHostAsync(add));

    private Task<RpcException> FailureAsync(Reservation reservation) =>
        Assert.ThrowsAsync<RpcException>(() => _service.Bookings().ReserveAsync(reservation).ResponseAsync);

    [ValueEntity<Rooms.Rooms.RoomsBase>("roundabout")]
    private sealed class RoundaboutEntity(RoomDirectory directory) : ValueEntity<Room>
    {
        public async Task<Room> Book(BookRoom command)
        {
            await Task.Yield();
            return await directory.FindAsync(command.Room);
        }

        public Room Get(GetRoom command) => State;

        public Room Watch(GetRoom command) => State;

        public Room WatchInside(GetRoom command) => State;

        public Room Release(ReleaseRoom command) => State;
    }

    [ValueEntity<Rooms.Rooms.RoomsBase>("waiting")]
    private sealed class WaitingEntity(RoomsClient rooms) : ValueEntity<Room>
    {
        public async Task<Room> Book(BookRoom command) => await rooms.BookAsync(command);

        public Room Get(GetRoom command) => State;

        public Room Watch(GetRoom command) => State;

        public Room WatchInside(GetRoom command) => State;

        public Room Release(ReleaseRoom command) => State;
    }
}
