using CloudState.Knative.Lattices;

namespace CloudState.Knative.UnitTests.Lattices;

using Flag = CloudState.Knative.Lattices.Flag;
using Vote = CloudState.Knative.Lattices.Vote;

/// <summary>An act that took effect, and what its author had seen.</summary>
/// <param name="Dot">Of the delta.</param>
/// <param name="Part">Of the delta.</param>
/// <param name="Seen">The context of the author before the delta.</param>
/// <param name="Act">What was done.</param>
internal sealed record Operation(Dot Dot, int Part, Context Seen, Act Act)
{
    public bool IsBefore(Operation other) => Dot == other.Dot ? Part < other.Part : other.Seen.Contains(Dot);
}

/// <summary>
/// What a value must be, by the operations that a replica knows and their order alone: without dots, deltas and joins. As text, to be compared with
/// <see cref="Appearance"/>.
/// </summary>
internal static class Specification
{
    public static string Of(Kind kind, IReadOnlyCollection<Operation> operations, IReadOnlyDictionary<int, Guid> members)
    {
        return kind switch
        {
            Kind.GCounter or Kind.PNCounter => $"{operations.Sum(each => ((Add)each.Act).Amount)}",
            Kind.GSet => Appearance.OfElements(operations.Select(each => ((AddElement)each.Act).Element)),
            // There is an addition that no removal has seen.
            Kind.ORSet => Appearance.OfElements(
                from addition in operations
                let element = (addition.Act as AddElement)?.Element
                where element is not null
                where !operations.Any(other => (other.Act is Clear || other.Act == new RemoveElement(element.Value)) && addition.IsBefore(other))
                select element.Value),
            Kind.LwwRegister => operations
                .OrderBy(each => ((Set)each.Act).Time).ThenBy(each => each.Dot.Seat).ThenBy(each => each.Dot.Number).ThenBy(each => each.Part)
                .Select(each => $"{((Set)each.Act).Value}").LastOrDefault("unset"),
            Kind.Flag => operations.Count > 0 ? "on" : "off",
            Kind.Vote => $"{members.Count(member => LastVoteOf(member.Key) is { IsYes: true } last && last.Member == member.Value)} yes",
            _ => Appearance.OfEntries(operations.Select(each => KeyOf(each.Act)).OfType<int>().Distinct().SelectMany(Variants)),
        };

        Cast? LastVoteOf(int seat) =>
            operations.Where(each => each.Dot.Seat == seat).OrderBy(each => each.Dot.Number).ThenBy(each => each.Part).LastOrDefault()?.Act as Cast;

        // Of what was done to an entry, only what no removal of it has seen counts.
        IEnumerable<(int Key, Kind Kind, string Content)> Variants(int key)
        {
            var removals = operations.Where(each => each.Act is Clear || each.Act == new Remove(key)).ToArray();
            return operations
                .Where(each => KeyOf(each.Act) == key && !removals.Any(each.IsBefore))
                .GroupBy(each => KindOf(each.Act))
                .Select(group => (key, group.Key, Of(group.Key, [.. group.Select(Inside).OfType<Operation>()], members)));
        }
    }

    private static int? KeyOf(Act act) => act switch
    {
        Put put => put.Key,
        Update update => update.Key,
        _ => null,
    };

    private static Kind KindOf(Act act) => act is Put put ? put.Kind : ((Update)act).Kind;

    private static Operation? Inside(Operation operation) => operation.Act is Update { Inner: { } inner } ? operation with { Act = inner } : null;
}

/// <summary>What a value looks like, as text.</summary>
internal static class Appearance
{
    public static string Of(Content content, IReadOnlyDictionary<int, Guid> members) => content switch
    {
        Counter counter => $"{counter.Value}",
        ElementSet set => OfElements(set.Elements.Keys.Select(element => (int)element[0])),
        Register register => register.Value is { } value ? $"{value[0]}" : "unset",
        Flag flag => flag.IsOn ? "on" : "off",
        Vote vote => $"{vote.CountYes(members)} yes",
        _ => OfEntries(
            from entry in ((EntryMap)content).Entries
            from variant in entry.Value.Variants
            select ((int)entry.Key[0], variant.Kind, Of(variant.Content, members))),
    };

    public static string OfElements(IEnumerable<int> elements) => $"{{{string.Join(' ', elements.Distinct().Order())}}}";

    public static string OfEntries(IEnumerable<(int Key, Kind Kind, string Content)> entries) =>
        $"{{{string.Join(", ", entries.OrderBy(entry => (entry.Key, entry.Kind)).Select(entry => $"{entry.Key} {entry.Kind} {entry.Content}"))}}}";
}
