using System.Globalization;

namespace CloudState.Knative.Faults.Upgrade;

/// <summary>One cart as its only client knows it: every command that was sent, and what has to be in it.</summary>
internal sealed class CartAccount(string key)
{
    private readonly List<SentCommand> _sent = [];
    private int _items;

    public string Key { get; } = key;

    public IReadOnlyList<SentCommand> Sent => _sent;

    public int Events => _sent.Count(command => command.Outcome == CommandOutcome.Done);

    /// <summary>Puts an item in that was never there.</summary>
    public SentCommand Add(Random random) => Send(++_items, isRemoval: false, random);

    /// <summary>Takes the next item out before it was put in, which is rejected.</summary>
    public SentCommand RemoveTooEarly(Random random) => Send(_items + 1, isRemoval: true, random);

    /// <summary>Takes an item out that is there for sure; null when there is none.</summary>
    public SentCommand? Remove(Random random)
    {
        var present = ItemsIn(CommandOutcome.Done).ToArray();
        return present.Length == 0 ? null : Send(present[random.Next(present.Length)], isRemoval: true, random);
    }

    /// <summary>A removal that may still come must not meet the item that it was too early for.</summary>
    public void SkipItem() => _items++;

    /// <summary>How many of its commands a cart with these items lacks, and how many it has executed once too often.</summary>
    public (int Lost, int Twice) Compare(IReadOnlyList<int> items)
    {
        var there = items.ToHashSet();
        var (must, may) = (ItemsIn(CommandOutcome.Done).ToHashSet(), ItemsIn(CommandOutcome.Unknown).ToHashSet());
        return (must.Count(item => !there.Contains(item)) + there.Count(item => !must.Contains(item) && !may.Contains(item)), items.Count - there.Count);
    }

    /// <summary>Items of which the last command that was not rejected has ended so: those that are there for sure, or those that may be.</summary>
    private IEnumerable<int> ItemsIn(CommandOutcome outcome) =>
        from command in _sent
        where command.Outcome != CommandOutcome.Rejected
        group command by command.Item into history
        let last = history.Last()
        where last.Outcome == outcome && (outcome == CommandOutcome.Unknown ? !history.All(command => command.IsRemoval) : !last.IsRemoval)
        select history.Key;

    private SentCommand Send(int item, bool isRemoval, Random random)
    {
        var command = new SentCommand(Key, item, isRemoval, (CommandEdge)random.Next(3), NewId(random));
        _sent.Add(command);
        return command;
    }

    /// <summary>Clients choose ids of many forms. Some look like those of CloudEvents, with a space, or like those that the library generates.</summary>
    private string NewId(Random random)
    {
        var unique = new byte[16];
        random.NextBytes(unique);
        return random.Next(4) switch
        {
            0 => string.Create(CultureInfo.InvariantCulture, $"{Key}/{_sent.Count}"),
            1 => string.Create(CultureInfo.InvariantCulture, $"order {_sent.Count}"),
            2 => new Guid(unique).ToString("N"),
            _ => new Guid(unique).ToString(),
        };
    }
}
