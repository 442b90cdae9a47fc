namespace CloudState.Knative.Cluster;

/// <summary>Where a command is, in this process.</summary>
/// <param name="Host">What the state in memory rests on.</param>
/// <param name="Home">
/// The owned slot under which it is stored what the command leaves to be delivered: the same, unless the entity is replicated. Whoever owns that slot later delivers it.
/// </param>
internal readonly record struct EnteredSlot(OwnedSlot Host, OwnedSlot Home)
{
    public void Leave()
    {
        Home.Leave();
        if (Host != Home)
        {
            Host.Leave();
        }
    }
}
