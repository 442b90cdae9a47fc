using System.Diagnostics;
using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Rooms;

/// <summary>Has guests, fewer than a hundred.</summary>
[EventSourcedEntity<Rooms.RoomsBase>(EntityType)]
public sealed class RoomEntity : EventSourcedEntity<Room>
{
    public const string EntityType = "room";

    public Room Book(BookRoom command, CommandContext context)
    {
        if (command.Guests >= 100)
        {
            context.Fail($"Room {command.Room} is too small.", StatusCode.OutOfRange);
        }

        context.Emit(new Booked { Room = command.Room, Guests = command.Guests });
        context.ReplyMetadata.Add("x-guests", $"{State.Guests}");
        return Reply(context);
    }

    public Room Get(GetRoom command, CommandContext context) => Reply(context);

    public Room Watch(GetRoom command) => State;

    public Room WatchInside(GetRoom command) => State;

    public Room Release(ReleaseRoom command, CommandContext context)
    {
        context.Emit(new Released());
        return Reply(context);
    }

    public void Apply(Booked booked) => State.Guests += booked.Guests;

    public void Apply(Released released) => State.Guests = 0;

    private Room Reply(CommandContext context) => new()
    {
        Guests = State.Guests,
        Caller = context.Metadata["x-caller"] ?? "",
        TraceId = Activity.Current?.TraceId.ToString() ?? "",
    };
}
