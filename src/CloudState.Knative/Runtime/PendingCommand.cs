using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;

namespace CloudState.Knative.Runtime;

/// <summary>A command from its arrival in the mailbox to the release of its outcome.</summary>
internal sealed class PendingCommand(Activation activation, Command command, OwnedSlot home, long number, DateTimeOffset deadline)
{
    private readonly TaskCompletionSource<CallOutcome> _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isAbandoned;

    public Activation Activation { get; } = activation;

    public Command Command { get; } = command;

    /// <inheritdoc cref="Command.IsPoll"/>
    public bool IsPoll => Command.IsPoll;

    /// <inheritdoc cref="EnteredSlot"/>
    public OwnedSlot Home { get; } = home;

    /// <summary>The order of arrival at the activation; a command that is run again keeps its place.</summary>
    public long Number { get; } = number;

    public DateTimeOffset Deadline { get; } = deadline;

    /// <summary>What the outcome vouches for.</summary>
    public CrdtLevel Level { get; set; }

    /// <summary>Whether the outcome may leave before its changes are stored, if that is its level.</summary>
    public bool MayBeLocal { get; set; }

    /// <summary>How many times its append met another writer's.</summary>
    public int Conflicts { get; set; }

    /// <summary>Set once the handler has run.</summary>
    public CallOutcome Outcome { get; set; }

    /// <summary>True while the outcome waits for its own append; false for one that wrote nothing and waits for those before it.</summary>
    public bool AwaitsAppend { get; set; }

    /// <summary>The hash of the message, once computed; only for commands with an id.</summary>
    public long Fingerprint { get; set; }

    public Task<CallOutcome> Released => _released.Task;

    /// <summary>True when the caller no longer waits for the outcome. A command that has not started by then does not start.</summary>
    public bool IsAbandoned => _isAbandoned;

    public void Abandon() => _isAbandoned = true;

    /// <summary>The command that this one repeats, and whose outcome it gets; null if it repeats none that is on its way to the store.</summary>
    public PendingCommand? DuplicateOf { get; set; }

    /// <summary>Lets the outcome go, and the command leave its slot.</summary>
    public void Release()
    {
        Outcome = DuplicateOf?.Outcome ?? Outcome;
        if (_released.TrySetResult(Outcome))
        {
            Activation.CommandLeft(this);
        }
    }

    public void Release(CallOutcome outcome)
    {
        (Outcome, DuplicateOf) = (outcome, null);
        Release();
    }
}
