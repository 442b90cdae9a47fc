namespace CloudState.Knative.Storage;

/// <summary>Times with the precision that all stores keep.</summary>
internal static class StoredTime
{
    public static DateTimeOffset ToMicroseconds(this DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond));
}
