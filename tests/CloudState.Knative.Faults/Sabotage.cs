using CloudState.Knative.Hosting;

namespace CloudState.Knative.Faults;

/// <summary>
/// Breaks one guarantee of a pod on purpose, through dependency injection only: a suite that does not notice would be worth nothing.
/// </summary>
internal static class Sabotage
{
    private const string Fence = "fence";
    private const string SelfFencing = "self-fencing";

    public static IReadOnlyList<string> Names { get; } = [Fence, SelfFencing];

    public static void Apply(CloudStateBuilder cloudState, string name)
    {
        switch (name)
        {
            case Fence:
                RemoveFence(cloudState);
                break;
            case SelfFencing:
                RemoveSelfFencing(cloudState);
                break;
            default:
                throw new ArgumentException($"There is no sabotage '{name}'.", nameof(name));
        }
    }

    /// <summary>Appends without looking whether the pod is still a member.</summary>
    private static void RemoveFence(CloudStateBuilder cloudState)
    {
        _ = cloudState;
        throw new NotSupportedException("The sabotage 'fence' decorates IEntityStore (AppendAsync with memberId null), which does not know members yet.");
    }

    /// <summary>Serves from memory though the lease could not be renewed.</summary>
    private static void RemoveSelfFencing(CloudStateBuilder cloudState)
    {
        _ = cloudState;
        throw new NotSupportedException("The sabotage 'self-fencing' decorates IMemberStore (a failed RenewAsync gets the last good answer), which does not exist yet.");
    }
}
