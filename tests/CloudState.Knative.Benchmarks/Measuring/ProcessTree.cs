namespace CloudState.Knative.Benchmarks.Measuring;

/// <summary>A process with all that descends from it.</summary>
internal static class ProcessTree
{
    /// <summary>The root first; nothing when it has ended.</summary>
    public static IReadOnlyList<ProcessStat> Of(int root)
    {
        var all = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? TryRead(id) : null)
            .OfType<ProcessStat>()
            .ToArray();
        var children = all.ToLookup(stat => stat.ParentId);
        var tree = all.Where(stat => stat.Id == root).ToList();
        for (var i = 0; i < tree.Count; i++)
        {
            tree.AddRange(children[tree[i].Id]);
        }

        return tree;
    }

    /// <summary>What the tree has used so far, with its ended processes.</summary>
    public static TimeSpan CpuOf(int root) => Of(root).Aggregate(TimeSpan.Zero, (sum, stat) => sum + stat.Cpu + stat.EndedChildrenCpu);

    /// <summary>Resident memory of the tree in bytes; pages that processes share count once for each.</summary>
    public static long MemoryOf(int root) => Of(root).Sum(stat => stat.ResidentPages) * Environment.SystemPageSize;

    /// <summary>Whether that process still runs, and its id has not gone to another one.</summary>
    public static bool IsSame(ProcessStat stat) => TryRead(stat.Id) is { } now && now.StartTicks == stat.StartTicks;

    private static ProcessStat? TryRead(int id)
    {
        try
        {
            return ProcessStat.Parse(File.ReadAllText($"/proc/{id}/stat"));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
