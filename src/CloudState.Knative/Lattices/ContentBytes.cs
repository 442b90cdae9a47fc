using System.Collections.Immutable;
using Google.Protobuf.Collections;
using ContentCase = CloudState.Knative.Lattices.StoredContent.ContentOneofCase;

namespace CloudState.Knative.Lattices;

/// <summary>Contents as messages, and back.</summary>
internal static class ContentBytes
{
    public static StoredContent Write(Content content) => content switch
    {
        Counter { Kind: Kind.GCounter } counter => new() { Gcounter = Write(counter) },
        Counter counter => new() { Pncounter = Write(counter) },
        ElementSet { Kind: Kind.GSet } set => new() { Gset = Write(set) },
        ElementSet set => new() { Orset = Write(set) },
        Register register => new() { Lwwregister = Write(register) },
        Flag flag => new() { Flag = Write(flag) },
        EntryMap map => new() { Ormap = Write(map) },
        Vote vote => new() { Vote = Write(vote) },
        _ => throw new ArgumentOutOfRangeException(nameof(content), content.Kind, null),
    };

    public static Content Read(StoredContent? stored, Context context) => stored?.ContentCase switch
    {
        ContentCase.Gcounter => Read(Kind.GCounter, stored.Gcounter, context),
        ContentCase.Pncounter => Read(Kind.PNCounter, stored.Pncounter, context),
        ContentCase.Gset => Read(Kind.GSet, stored.Gset, context),
        ContentCase.Orset => Read(Kind.ORSet, stored.Orset, context),
        ContentCase.Lwwregister => Read(stored.Lwwregister, context),
        ContentCase.Flag => new Flag(Dots(stored.Flag.Dots, context, _ => default(Presence))),
        ContentCase.Ormap => Read(stored.Ormap, context),
        ContentCase.Vote => Read(stored.Vote, context),
        _ => throw Refusal.Of("its content has a kind that this revision does not know"),
    };

    private static StoredCounter Write(Counter counter)
    {
        var stored = new StoredCounter();
        StoredDots.Write(stored.Dots, counter.Dots);
        foreach (var (_, amount) in counter.Dots.Pairs)
        {
            StoredAmounts.Write(counter.Kind, stored.Plus, stored.Minus, amount);
        }

        return stored;
    }

    private static Counter Read(Kind kind, StoredCounter stored, Context context)
    {
        StoredAmounts.Check(kind, stored.Dots.Count / 2, stored.Plus, stored.Minus);
        return new(kind, Dots(stored.Dots, context, index => StoredAmounts.Read(kind, stored.Plus, stored.Minus, index)));
    }

    private static StoredSet Write(ElementSet set)
    {
        var stored = new StoredSet();
        foreach (var (element, dots) in set.Elements)
        {
            var storedElement = new StoredElement { Element = element };
            StoredDots.Write(storedElement.Dots, dots);
            stored.Elements.Add(storedElement);
        }

        return stored;
    }

    private static ElementSet Read(Kind kind, StoredSet stored, Context context) => new(kind, ByteOrder.Empty<DotMap<Presence>>().AddRange(
        from element in Refusal.InOrder(stored.Elements, element => element.Element)
        select KeyValuePair.Create(element.Element, PresenceOf(element.Dots, context))));

    private static StoredRegister Write(Register register)
    {
        var stored = new StoredRegister();
        StoredDots.Write(stored.Dots, register.Dots);
        foreach (var (_, value) in register.Dots.Pairs)
        {
            stored.Clocks.Add(value.Clock);
            stored.Values.Add(value.Value);
        }

        return stored;
    }

    private static Register Read(StoredRegister stored, Context context)
    {
        Refusal.Unless((stored.Clocks.Count, stored.Values.Count) == CountOf(stored.Dots), "a register has not as many values as dots");
        return new(Dots(stored.Dots, context, index => new RegisterValue(stored.Clocks[index], stored.Values[index])));
    }

    private static StoredFlag Write(Flag flag)
    {
        var stored = new StoredFlag();
        StoredDots.Write(stored.Dots, flag.Dots);
        return stored;
    }

    private static StoredMap Write(EntryMap map)
    {
        var stored = new StoredMap();
        foreach (var (key, entry) in map.Entries)
        {
            var storedEntry = new StoredEntry { Key = key };
            foreach (var variant in entry.Variants)
            {
                var storedVariant = new StoredVariant { Content = Write(variant.Content) };
                StoredDots.Write(storedVariant.Dots, variant.Dots);
                storedEntry.Variants.Add(storedVariant);
            }

            stored.Entries.Add(storedEntry);
        }

        return stored;
    }

    private static EntryMap Read(StoredMap stored, Context context) => new(ByteOrder.Empty<Entry>().AddRange(
        from entry in Refusal.InOrder(stored.Entries, entry => entry.Key)
        select KeyValuePair.Create(entry.Key, Read(entry, context))));

    private static Entry Read(StoredEntry stored, Context context)
    {
        ImmutableArray<Variant> variants =
            [.. stored.Variants.Select(variant => new Variant(PresenceOf(variant.Dots, context), Read(variant.Content, context)))];
        var isInOrder = variants.Zip(variants.Skip(1)).All(pair => pair.First.Kind < pair.Second.Kind);
        Refusal.Unless(!variants.IsEmpty && isInOrder, "the kinds of an entry are not in order");
        return new(variants);
    }

    private static StoredVote Write(Vote vote)
    {
        var stored = new StoredVote();
        StoredDots.Write(stored.Dots, vote.Dots);
        foreach (var (_, ballot) in vote.Dots.Pairs)
        {
            stored.Members.Add(MemberBytes.Write(ballot.Member));
            stored.Yes.Add(ballot.IsYes);
        }

        return stored;
    }

    private static Vote Read(StoredVote stored, Context context)
    {
        Refusal.Unless((stored.Members.Count, stored.Yes.Count) == CountOf(stored.Dots), "a vote has not as many ballots as dots");
        return new(Dots(stored.Dots, context, index => new Ballot(MemberBytes.Read(stored.Members[index]), stored.Yes[index])));
    }

    private static (int, int) CountOf(RepeatedField<ulong> dots) => (dots.Count / 2, dots.Count / 2);

    private static DotMap<TValue> Dots<TValue>(RepeatedField<ulong> stored, Context context, Func<int, TValue> read) =>
        stored.Count == 0 ? default : StoredDots.Read(stored, context, read);

    /// <summary>An element or entry is there because of its dots.</summary>
    private static DotMap<Presence> PresenceOf(RepeatedField<ulong> stored, Context context) =>
        StoredDots.Read(stored, context, _ => default(Presence));
}
