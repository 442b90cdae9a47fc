using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Journal;

/// <summary>Somebody who gets the events of one entity type, each at least once and those of one entity in order.</summary>
/// <param name="Name">Under which its position is stored.</param>
/// <param name="EntityType">Whose events.</param>
/// <param name="Select">Where an event goes; null when nobody wants it.</param>
internal sealed record JournalSubscription(string Name, string EntityType, Func<JournalEvent, (string Target, Func<StoredDelivery> Content)?> Select);
