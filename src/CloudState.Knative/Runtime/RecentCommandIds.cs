using System.IO.Hashing;
using System.Runtime.InteropServices;
using CloudState.Knative.Calls;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Runtime;

/// <summary>
/// The ids of an entity's latest commands, as 64-bit hashes: a hit is then looked up in the store, a miss needs no store.
/// That keeps thousands of ids in a few kilobytes.
/// </summary>
internal sealed class RecentCommandIds(int maxCount, TimeSpan retention)
{
    private readonly Queue<(ulong Hash, DateTimeOffset HandledAt)> _inOrder = new();
    private readonly HashSet<ulong> _hashes = [];

    public void AddRange(IReadOnlyList<RecentCommand> commands)
    {
        foreach (var command in commands)
        {
            Add(command.CommandId, command.HandledAt);
        }
    }

    public void Add(string commandId, DateTimeOffset handledAt)
    {
        var hash = Hash(commandId);
        if (_hashes.Add(hash))
        {
            _inOrder.Enqueue((hash, handledAt));
        }

        Forget(handledAt - retention);
    }

    public bool MayContain(string commandId, DateTimeOffset now)
    {
        Forget(now - retention);
        return _hashes.Contains(Hash(commandId)) || (CommandIds.FormerOf(commandId) is { IsEmpty: false } former && _hashes.Contains(Hash(former)));
    }

    private void Forget(DateTimeOffset before)
    {
        while (_inOrder.TryPeek(out var oldest) && (_inOrder.Count > maxCount || oldest.HandledAt < before))
        {
            _hashes.Remove(_inOrder.Dequeue().Hash);
        }
    }

    private static ulong Hash(ReadOnlySpan<char> commandId) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(commandId));
}
