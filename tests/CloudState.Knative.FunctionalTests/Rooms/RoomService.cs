using System.Threading.Channels;
using CloudState.Knative.FunctionalTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.FunctionalTests.Rooms;

/// <summary>The rooms in this process.</summary>
internal static class RoomService
{
    public static Task<TestService> StartAsync(params (string Key, string Value)[] settings) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton<RoomDirectory>();
            cloudState.Services.AddSingleton(Channel.CreateUnbounded<Booked>());
            cloudState.AddEntity<RoomEntity>().AddAction<BookingAction>().AddAction<HousekeepingAction>();
        },
        settings);

    public static Rooms.RoomsClient Rooms(this TestService service) => new(service.Channel);

    public static Bookings.BookingsClient Bookings(this TestService service) => new(service.Channel);

    public static async Task<int> GuestsAsync(this TestService service, string room) =>
        (await service.Rooms().GetAsync(new GetRoom { Room = room })).Guests;

    /// <summary>Waits until a room is empty.</summary>
    public static async Task EmptyAsync(this TestService service, string room, CancellationToken cancellation)
    {
        using var watch = service.Rooms().Watch(new GetRoom { Room = room }, deadline: DateTime.UtcNow + TestService.Patience, cancellationToken: cancellation);
        while (await watch.ResponseStream.MoveNext(cancellation) && watch.ResponseStream.Current.Guests > 0)
        {
        }
    }
}
