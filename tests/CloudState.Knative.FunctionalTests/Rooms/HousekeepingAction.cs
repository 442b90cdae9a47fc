using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.FunctionalTests.Rooms;

/// <summary>Gets the events of the rooms.</summary>
[Action<Housekeeping.HousekeepingBase>]
public sealed class HousekeepingAction(Channel<Booked> cleaned)
{
    public async Task<Empty> Clean(Booked booked)
    {
        await cleaned.Writer.WriteAsync(booked);
        return new Empty();
    }
}
