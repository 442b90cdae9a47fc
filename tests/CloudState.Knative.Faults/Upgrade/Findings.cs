namespace CloudState.Knative.Faults.Upgrade;

/// <summary>What went wrong with commands. The first few are printed.</summary>
internal sealed class Findings(string store)
{
    private const int MaxPrinted = 10;

    private readonly Lock _lock = new();
    private int _printed;

    public int Lost { get; private set; }

    public int Twice { get; private set; }

    public int Refused { get; private set; }

    public bool AreNone => Lost + Twice + Refused == 0;

    public void AddContents(string what, int lost, int twice)
    {
        lock (_lock)
        {
            (Lost, Twice) = (Lost + lost, Twice + twice);
            Print(lost + twice, $"{what}: {lost} lost, {twice} applied twice");
        }
    }

    public void AddRefused(string what)
    {
        lock (_lock)
        {
            Refused++;
            Print(1, what);
        }
    }

    private void Print(int count, string what)
    {
        if (count > 0 && _printed++ < MaxPrinted)
        {
            Console.WriteLine($"{store}: {what}");
        }
    }
}
