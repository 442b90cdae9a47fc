
namespace CloudState.Knative.Testing;

/// <summary>What a handler has done to a timer. The test kits fire none.</summary>
public sealed class RequestedTimer
{
    internal RequestedTimer(TimerRequest request)
    {
        Name = request.Name;
        DueAt = request.At;
        Delay = request.In;
        Call = request.Call is null ? null : new RequestedCall(request.Call, isSynchronous: false);
    }

    /// <summary>Tells the timer from the others.</summary>
    public string Name { get; }

    /// <summary>When it is due; null when a <see cref="Delay"/> says so, or it is cancelled.</summary>
    public DateTimeOffset? DueAt { get; }

    /// <summary>In what time it is due; null when <see cref="DueAt"/> says so, or it is cancelled.</summary>
    public TimeSpan? Delay { get; }

    /// <summary>What is called then; null when the timer is cancelled.</summary>
    public RequestedCall? Call { get; }

    /// <summary>Whether the timer is cancelled.</summary>
    public bool IsCancelled => Call is null;
}
