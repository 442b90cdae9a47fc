namespace CloudState.Knative.Faults.Nemesis;

internal static class RandomExtensions
{
    public static TimeSpan Between(this Random random, TimeSpan least, TimeSpan most) => least + random.NextDouble() * (most - least);
}
