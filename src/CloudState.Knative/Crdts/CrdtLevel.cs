namespace CloudState.Knative;

/// <summary>
/// What a reply of a CRDT entity vouches for. Cloudstate called it write consistency: its LOCAL, MAJORITY and ALL are <see cref="Local"/>, <see cref="Durable"/> and <see cref="Everywhere"/>.
/// </summary>
public enum CrdtLevel
{
    /// <summary>
    /// The change is in memory. The reply leaves at once, and the change is stored within <see cref="CrdtOptions.FlushInterval"/>, together with those that came meanwhile. A pod that is
    /// killed before, or cannot store for as long as a lease lasts, loses it. A command that has an id, calls other rpcs or sets timers is <see cref="Durable"/> all the same.
    /// </summary>
    Local,

    /// <summary>The change is stored, as is all that the reply shows. No acknowledged change is lost. The default.</summary>
    Durable,

    /// <summary>
    /// The command sees all that was stored before it came. Its change is stored and merged by each pod that has the entity in memory, or that pod's lease has ended: whoever asks
    /// after the reply sees it, on every pod. Each such command reads the store, and waits for all pods.
    /// </summary>
    Everywhere,
}
