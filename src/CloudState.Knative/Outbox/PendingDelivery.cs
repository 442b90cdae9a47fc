using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Outbox;

/// <summary>Something that is delivered at least once: a stored call, an event of the journal for a consumer, an event for a topic, a timer.</summary>
/// <param name="Id">Tells it from all others, wherever it is kept.</param>
/// <param name="Origin">The entity that it comes from.</param>
/// <param name="Lane">Deliveries of one entity and one lane are made in their order; those of different lanes do not wait for each other.</param>
/// <param name="Target">Where it goes, for people: the full name of an rpc, or a topic.</param>
/// <param name="Content">Makes what is delivered; null when there is nothing to deliver any more.</param>
/// <param name="Complete">Called once it is delivered, or given up, or parked.</param>
internal sealed record PendingDelivery(string Id, EntityId Origin, string Lane, string Target, Func<IDeliverable?> Content, Action Complete)
{
    /// <summary>The lane of calls that commands have asked for.</summary>
    public const string Effects = "";

    /// <summary>With what the lanes of timers begin, each of which has one of its own.</summary>
    public const string Timers = "timer ";

    /// <summary>What is kept of it if it is parked; null for the <see cref="Content"/>.</summary>
    public Func<StoredDelivery>? ParkedContent { get; init; }

    /// <summary>Whether nothing of its lane may overtake it: when it is parked, what follows is, too. Otherwise it is parked alone, and only if it failed unexpectedly; what is rejected is done.</summary>
    public required bool KeepsOrder { get; init; }
}

/// <summary>The deliveries of one entity and one lane that this process makes under one ownership; the first one is being made, or about to be.</summary>
internal sealed class DeliveryLane(EntityId origin, string lane, OwnedSlot slot)
{
    public EntityId Origin { get; } = origin;

    public string Lane { get; } = lane;

    public OwnedSlot Slot { get; } = slot;

    public Queue<PendingDelivery> Waiting { get; } = new();

    /// <summary>How often the first one was tried in vain.</summary>
    public int Attempts { get; set; }

    /// <summary>How many of them were not answered in time.</summary>
    public int Timeouts { get; set; }

    /// <summary>How often of these it failed unexpectedly.</summary>
    public int Failures { get; set; }
}
