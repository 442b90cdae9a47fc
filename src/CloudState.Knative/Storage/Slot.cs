using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace CloudState.Knative.Storage;

/// <summary>A part of the entities of one type, the unit that members own: those whose ids hash to <paramref name="Number"/>.</summary>
internal readonly record struct Slot(string EntityType, int Number)
{
    /// <summary>The number of the slot that an entity belongs to, among <paramref name="count"/>. The same in every process, now and later.</summary>
    public static int NumberOf(string entityId, int count) =>
        (int)(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(entityId.AsSpan())) % (ulong)count);
}
