using System.Globalization;

namespace CloudState.Knative.Benchmarks.Measuring;

/// <summary>One process, as <c>/proc/[pid]/stat</c> describes it.</summary>
/// <param name="Id">Its process id.</param>
/// <param name="ParentId">That of its parent.</param>
/// <param name="Cpu">What it has used, in the kernel, too.</param>
/// <param name="EndedChildrenCpu">What those of its children have used that have ended.</param>
/// <param name="StartTicks">When it started, in ticks since the boot: an id may be used again, together with this it is not.</param>
/// <param name="ResidentPages">Its resident memory.</param>
internal readonly record struct ProcessStat(int Id, int ParentId, TimeSpan Cpu, TimeSpan EndedChildrenCpu, long StartTicks, long ResidentPages)
{
    // USER_HZ, the same on every Linux that .NET runs on.
    private const int TicksPerSecond = 100;

    public static ProcessStat Parse(string stat)
    {
        // The second field is the program's name in parentheses; it may contain spaces and parentheses.
        var nameEnd = stat.LastIndexOf(')');
        var id = int.Parse(stat[..stat.IndexOf(' ')], CultureInfo.InvariantCulture);
        var fields = stat[(nameEnd + 2)..].Split(' ');
        return new ProcessStat(id, (int)Field(4), Time(14, 15), Time(16, 17), Field(22), Field(24));

        // Numbered from 1 as in proc(5); fields[0] is the third.
        long Field(int number) => long.Parse(fields[number - 3], CultureInfo.InvariantCulture);
        TimeSpan Time(int user, int system) => TimeSpan.FromSeconds((Field(user) + Field(system)) / (double)TicksPerSecond);
    }
}
