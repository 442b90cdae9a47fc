using System.Globalization;

namespace CloudState.Knative.Faults.Nemesis;

/// <summary>How long clients had to wait because of faults.</summary>
internal static class AvailabilityReport
{
    public static void Print(FaultLog log)
    {
        if (log.All.Count == 0)
        {
            return;
        }

        Console.WriteLine("The longest time from the first attempt of an operation to its end, per fault:");
        Console.WriteLine("  fault      count   median    worst");
        foreach (var kind in log.All.GroupBy(fault => fault.Kind).OrderBy(kind => kind.Key))
        {
            TimeSpan[] longest = [.. kind.Select(fault => fault.Longest)];
            Console.WriteLine($"  {kind.Key.ToString().ToLowerInvariant(),-9} {longest.Length,6} {Seconds(Median(longest)),8} {Seconds(longest.Max()),8}");
        }

        PrintAlone(log, FaultKind.Kill, "kill -9");
        PrintAlone(log, FaultKind.Term, "SIGTERM");
    }

    /// <summary>The end of the last line.</summary>
    public static string Summary(FaultLog log)
    {
        TimeSpan[] longest = [.. log.All.Select(fault => fault.Longest)];
        return longest.Length == 0 ? "no unavailability measured" : $"unavailability per fault: median {Seconds(Median(longest))}, worst {Seconds(longest.Max())}";
    }

    private static void PrintAlone(FaultLog log, FaultKind kind, string name)
    {
        Fault[] alone = [.. log.All.Where(fault => fault.Kind == kind && fault.Gaps.Count > 0 && log.IsAlone(fault))];
        if (alone.Length == 0)
        {
            return;
        }

        TimeSpan[] gaps = [.. alone.SelectMany(fault => fault.Gaps)];
        Console.WriteLine($"{name} while nothing else was wrong ({alone.Length} times): gap per key: median {Seconds(Median(gaps))}, worst {Seconds(gaps.Max())}; {Failures(alone)}");
    }

    private static string Failures(Fault[] faults)
    {
        var byAnswer = faults.SelectMany(fault => fault.Failures).GroupBy(failure => failure.Key, failure => failure.Value).Select(answer => (Answer: answer.Key, Count: answer.Sum())).ToArray();
        var total = byAnswer.Sum(answer => answer.Count);
        return total == 0 ? "no failed requests" : $"{total} failed requests ({string.Join(", ", byAnswer.OrderByDescending(answer => answer.Count).Select(answer => $"{answer.Count} {answer.Answer}"))})";
    }

    private static TimeSpan Median(TimeSpan[] values) => values.Order().ElementAt(values.Length / 2);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");
}
