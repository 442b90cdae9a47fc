namespace CloudState.Knative.Faults.Nemesis;

internal enum FaultKind
{
    /// <summary>kill -9 of a pod; after a while a new one starts.</summary>
    Kill,

    /// <summary>SIGTERM of a pod; then a new one starts.</summary>
    Term,

    /// <summary>SIGSTOP, and SIGCONT after the lease has ended.</summary>
    Pause,

    /// <summary>One pod more, or SIGTERM of one.</summary>
    Scale,

    /// <summary>Pods of a new revision, then SIGTERM of all old ones.</summary>
    Rollout,

    /// <summary>A crash of PostgreSQL.</summary>
    Postgres,

    /// <summary>A pod does not reach the database.</summary>
    Database,

    /// <summary>The other pods do not reach a pod.</summary>
    Peer,

    /// <summary>The database answers late, to one pod or to all.</summary>
    Slow,

    /// <summary>The wall clock of a pod jumps, and jumps back.</summary>
    Clock,
}
