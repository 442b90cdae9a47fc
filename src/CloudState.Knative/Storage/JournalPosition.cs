using System.Globalization;

namespace CloudState.Knative.Storage;

/// <summary>The place of an event among those of its slot. The events of a slot have one writer at a time, so that they are committed in this order, without gaps.</summary>
/// <param name="Slot">The slot of the entity.</param>
/// <param name="Number">Of the event in the slot; the first one is 1.</param>
internal readonly record struct JournalPosition(Slot Slot, long Number)
{
    /// <summary>As clients see it, in the header <c>cloudstate-position</c>; opaque to them.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Uri.EscapeDataString(Slot.EntityType)}/{Slot.Number}/{Number}");
}
