namespace CloudState.Knative.Cluster;

/// <summary>The time from a process's joining the cluster to its leaving or expulsion, and how long its lease lasts as far as it knows.</summary>
internal sealed class Tenure
{
    private readonly TimeProvider _time;
    private long _validUntil;
    private volatile bool _isOver;

    public Tenure(Guid memberId, TimeProvider time)
    {
        MemberId = memberId;
        _time = time;
    }

    private Tenure(TimeProvider time)
    {
        _time = time;
        _validUntil = long.MaxValue;
    }

    /// <summary>Null when the process does not share its store.</summary>
    public Guid? MemberId { get; }

    /// <summary>Whether no other process can own now what this process owned when it last heard of the store.</summary>
    public bool IsValid => !_isOver && _time.GetTimestamp() < Volatile.Read(ref _validUntil);

    /// <summary>True once the process is no longer this member, and can never be it again.</summary>
    public bool IsOver => _isOver;

    public static Tenure Unlimited(TimeProvider time) => new(time);

    /// <param name="sentAt">When the renewal was sent, as a timestamp of the <see cref="TimeProvider"/>: the store granted the lease later.</param>
    /// <param name="duration">The lease, less the margin.</param>
    public void Renew(long sentAt, TimeSpan duration) =>
        Volatile.Write(ref _validUntil, sentAt + (long)(duration.TotalSeconds * _time.TimestampFrequency));

    public void End() => _isOver = true;
}
