using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Rooms;

/// <summary>Calls the rooms of its own service, and awaits them.</summary>
[Action<Bookings.BookingsBase>(UsesTimers = true)]
public sealed class BookingAction(Rooms.RoomsClient rooms, Bookings.BookingsClient bookings, RoomDirectory directory)
{
    public async Task<Room> Reserve(Reservation reservation, ActionContext context)
    {
        var book = new BookRoom { Room = reservation.Room, Guests = reservation.Guests };
        switch (reservation.Way)
        {
            case "blocking":
                return rooms.Book(book);
            case "late":
                return await rooms.BookAsync(book, deadline: DateTime.UnixEpoch);
        }

        using var call = rooms.BookAsync(book, new Metadata { { "x-caller", "reserve" } });
        var booked = await call;
        context.ReplyMetadata.Add("x-guests", (await call.ResponseHeadersAsync).GetValue("x-guests")!);
        var found = await directory.FindAsync(reservation.Room);
        return new Room { Guests = found.Guests, Caller = booked.Caller, TraceId = booked.TraceId };
    }

    public async IAsyncEnumerable<Room> Follow(GetRoom room, ActionContext context)
    {
        using var call = rooms.Watch(room, cancellationToken: context.CancellationToken);
        await foreach (var version in call.ResponseStream.ReadAllAsync())
        {
            yield return version;
            if (version.Guests > 1)
            {
                yield break;
            }
        }
    }

    public async Task<Room> Loop(GetRoom room) => await bookings.LoopAsync(room);

    public Room? Cancel(Reservation reservation, ActionContext context)
    {
        var release = new ReleaseRoom { Room = reservation.Room };
        switch (reservation.Way)
        {
            case "timer":
                context.Timers.Schedule(reservation.Room, TimeSpan.FromMilliseconds(1), (Rooms.RoomsClient client) => client.ReleaseAsync(release));
                break;
            case "call":
                context.CallAndWait((Rooms.RoomsClient client) => client.ReleaseAsync(release));
                break;
            default:
                context.ReplyFrom((Rooms.RoomsClient client) => client.ReleaseAsync(release));
                return null;
        }

        return new Room();
    }
}

/// <summary>An object of the container that calls the service.</summary>
public sealed class RoomDirectory(Rooms.RoomsClient rooms)
{
    public async Task<Room> FindAsync(string room) => await rooms.GetAsync(new GetRoom { Room = room });
}
