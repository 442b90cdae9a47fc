using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.Collections;
using ChangeCase = CloudState.Knative.Lattices.StoredChange.ChangeOneofCase;

namespace CloudState.Knative.Lattices;

/// <summary>Changes as messages, and back.</summary>
internal static class ChangeBytes
{
    public static StoredChange Write(Change change) => change switch
    {
        CounterChange { Kind: Kind.GCounter } counter => new() { Gcounter = Write(counter) },
        CounterChange counter => new() { Pncounter = Write(counter) },
        ElementSetChange { Kind: Kind.GSet } set => new() { Gset = Write(set) },
        ElementSetChange set => new() { Orset = Write(set) },
        RegisterChange { Value: var (clock, value) } => new() { Lwwregister = new() { Clock = clock, Value = value } },
        FlagChange => new() { Flag = new() },
        EntryMapChange map => new() { Ormap = Write(map) },
        VoteChange { Ballot: var (member, isYes) } => new() { Vote = new() { Member = MemberBytes.Write(member), Yes = isYes } },
        _ => throw new ArgumentOutOfRangeException(nameof(change), change.Kind, null),
    };

    /// <param name="stored">The message.</param>
    /// <param name="dot">Of the delta.</param>
    public static Change Read(StoredChange? stored, Dot dot) => stored?.ChangeCase switch
    {
        ChangeCase.Gcounter => Read(Kind.GCounter, stored.Gcounter, dot),
        ChangeCase.Pncounter => Read(Kind.PNCounter, stored.Pncounter, dot),
        ChangeCase.Gset => Read(Kind.GSet, stored.Gset),
        ChangeCase.Orset => Read(Kind.ORSet, stored.Orset),
        ChangeCase.Lwwregister => new RegisterChange(new(stored.Lwwregister.Clock, stored.Lwwregister.Value)),
        ChangeCase.Flag => FlagChange.On,
        ChangeCase.Ormap => Read(stored.Ormap, dot),
        ChangeCase.Vote => new VoteChange(new(MemberBytes.Read(stored.Vote.Member), stored.Vote.Yes)),
        _ => throw Refusal.Of("its change has a kind that this revision does not know"),
    };

    private static StoredCounterChange Write(CounterChange change)
    {
        var stored = new StoredCounterChange { First = (ulong)change.First };
        foreach (var (number, amount) in change.Amounts)
        {
            stored.Numbers.Add((ulong)number);
            StoredAmounts.Write(change.Kind, stored.Plus, stored.Minus, amount);
        }

        return stored;
    }

    private static CounterChange Read(Kind kind, StoredCounterChange stored, Dot dot)
    {
        StoredAmounts.Check(kind, stored.Numbers.Count, stored.Plus, stored.Minus);
        var previous = 0L;
        var amounts = ImmutableArray.CreateBuilder<(long, Amount)>(stored.Numbers.Count);
        for (var index = 0; index < stored.Numbers.Count; index++)
        {
            var number = StoredDots.ReadDot(0, stored.Numbers[index]).Number;
            Refusal.Unless(number > previous && number <= dot.Number, "the dots of a counter are not in order");
            amounts.Add((previous = number, StoredAmounts.Read(kind, stored.Plus, stored.Minus, index)));
        }

        return new(kind, StoredDots.ReadDot(0, stored.First).Number, amounts.MoveToImmutable());
    }

    private static StoredSetChange Write(ElementSetChange change)
    {
        var stored = new StoredSetChange { Clear = change.IsClear };
        foreach (var (element, isThere) in change.Elements)
        {
            (isThere ? stored.Added : stored.Removed).Add(element);
        }

        return stored;
    }

    private static ElementSetChange Read(Kind kind, StoredSetChange stored)
    {
        Refusal.Unless(kind == Kind.ORSet || (!stored.Clear && stored.Removed.Count == 0), "something is removed from a GSet");
        var elements = ByteOrder.Empty<bool>().AddRange(InOrder(stored.Added, isThere: true));
        Refusal.Unless(!stored.Removed.Any(elements.ContainsKey), "an element is added and removed");
        return new(kind, stored.Clear, elements.AddRange(InOrder(stored.Removed, isThere: false)));

        static IEnumerable<KeyValuePair<ByteString, bool>> InOrder(RepeatedField<ByteString> elements, bool isThere) =>
            Refusal.InOrder(elements, element => element).Select(element => KeyValuePair.Create(element, isThere));
    }

    private static StoredMapChange Write(EntryMapChange change)
    {
        var stored = new StoredMapChange { Clear = change.IsClear };
        foreach (var (key, entry) in change.Entries)
        {
            var storedEntry = new StoredEntryChange { Key = key, Reset = entry.IsReset };
            foreach (var (kind, content) in entry.Contents)
            {
                storedEntry.Updates.Add(new StoredUpdate { Kind = (uint)kind, Change = content is null ? null : Write(content) });
            }

            stored.Entries.Add(storedEntry);
        }

        return stored;
    }

    private static EntryMapChange Read(StoredMapChange stored, Dot dot) => new(stored.Clear, ByteOrder.Empty<EntryChange>().AddRange(
        Refusal.InOrder(stored.Entries, entry => entry.Key).Select(entry => KeyValuePair.Create(entry.Key, Read(entry, dot)))));

    private static EntryChange Read(StoredEntryChange stored, Dot dot)
    {
        var contents = ImmutableSortedDictionary<Kind, Change?>.Empty;
        foreach (var update in stored.Updates)
        {
            var (kind, change) = ((Kind)update.Kind, update.Change is null ? null : Read(update.Change, dot));
            Refusal.Unless(Enum.IsDefined(kind) && (change is null || change.Kind == kind), "an entry has a kind that this revision does not know");
            Refusal.Unless(contents.IsEmpty || contents.Keys.Last() < kind, "the kinds of an entry are not in order");
            contents = contents.Add(kind, change);
        }

        Refusal.Unless(stored.Reset || !contents.IsEmpty, "an entry is not changed");
        return new(stored.Reset, contents);
    }
}
