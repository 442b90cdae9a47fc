using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Calls;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CloudState.Knative.Actions;

/// <summary>Keeps one timer of an action, as a timer of its own.</summary>
[ActionTimer]
internal sealed class ActionTimerEntity : Entity
{
    private const string Name = "timer";
    private const string Method = "cloudstate.internal.ActionTimers/Change";

    [SuppressMessage("Performance", "CA1822", Justification = "Handlers are methods of instances.")]
    public Empty Change(ActionTimerChange change, CommandContext context)
    {
        context.Timers.Add(Name, new TimerRequest(
            Name,
            change.Call is { } call ? StoredCalls.ToCall(call) : null,
            change.At?.ToDateTimeOffset(),
            change.In?.ToTimeSpan()));
        return new Empty();
    }

    /// <summary>The call that does to a timer of an action what the handler has asked for.</summary>
    public static OutgoingCall ToCall(string service, TimerRequest request)
    {
        var change = new ActionTimerChange { Timer = $"{service} {request.Name}" };
        if (request.Call is not null)
        {
            change.Call = StoredCalls.ToStored(request.Call, depth: 0, default);
        }

        if (request.At is { } at)
        {
            change.At = Timestamp.FromDateTimeOffset(at);
        }
        else if (request.In is { } delay)
        {
            change.In = Duration.FromTimeSpan(delay);
        }

        return new OutgoingCall(Method, change.ToByteString(), CallMetadata.Empty);
    }

    internal override object TakeSnapshot() => throw NoState();

    internal override void RestoreSnapshot(object snapshot) => throw NoState();

    internal override void Reset() => throw NoState();

    private static InvalidOperationException NoState() => new("The timer of an action has no state.");
}
