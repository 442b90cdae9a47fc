using CloudState.Knative.Lattices;
using CsCheck;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Lattices;

using Flag = CloudState.Knative.Lattices.Flag;
using Vote = CloudState.Knative.Lattices.Vote;

/// <summary>What a command does to a replicated value.</summary>
internal abstract record Act
{
    private const int MaxDepth = 2;

    /// <summary>Acts on a content: few elements, keys and clocks, so that they meet.</summary>
    public static Gen<Act> Of(Kind kind, int depth = 0) => kind switch
    {
        Kind.GCounter => Gen.Long[0, 9].Select(Act (amount) => new Add(amount)),
        Kind.PNCounter => Gen.Long[-9, 9].Select(Act (amount) => new Add(amount)),
        Kind.GSet => Gen.Int[0, 3].Select(Act (element) => new AddElement(element)),
        Kind.ORSet => Gen.Frequency(
            (6, Gen.Int[0, 3].Select(Act (element) => new AddElement(element))),
            (4, Gen.Int[0, 3].Select(Act (element) => new RemoveElement(element))),
            (1, Gen.Const<Act>(new Clear()))),
        Kind.LwwRegister => Gen.Select(Gen.Int[0, 9], Gen.Enum<RegisterClock>(), Gen.Long[-3, 3], Act (value, clock, time) => new Set(value, clock, time)),
        Kind.Flag => Gen.Const<Act>(new Enable()),
        Kind.Vote => Gen.Bool.Select(Act (isYes) => new Cast(isYes, default)),
        _ => Gen.Frequency(
            (2, KeyAndKind(depth).Select(Act (at) => new Put(at.Key, at.Kind))),
            (8, KeyAndKind(depth).SelectMany(at => Of(at.Kind, depth + 1).Select(Act (inner) => new Update(at.Key, at.Kind, inner)))),
            (3, Gen.Int[0, 3].Select(Act (key) => new Remove(key))),
            (1, Gen.Const<Act>(new Clear()))),
    };

    /// <summary>What the act does to a content, and the act with all that decides its effect; null if it does nothing.</summary>
    public (Change Change, Act Act)? Edit(Content content, Stamp stamp, Guid member)
    {
        var act = this;
        Change? change = (this, content) switch
        {
            (Add add, Counter counter) => counter.Add(Amount.Of(add.Amount), stamp),
            (AddElement add, ElementSet set) => set.Add(Bytes(add.Element), stamp),
            (RemoveElement remove, ElementSet set) => set.Remove(Bytes(remove.Element)),
            (Clear, ElementSet set) => set.Clear(),
            (Set set, Register register) => register.Set(Bytes(set.Value), set.Clock, set.Time, stamp),
            (Enable, Flag flag) => flag.Enable(),
            (Cast cast, Vote vote) => vote.Cast(member, cast.IsYes, stamp),
            (Put put, EntryMap map) => map.Put(Bytes(put.Key), put.Kind, stamp),
            (Update update, EntryMap map) => map.Update<Content>(Bytes(update.Key), update.Kind, stamp, (inside, stampInside) =>
            {
                var edit = update.Inner!.Edit(inside, stampInside, member);
                act = update with { Inner = edit?.Act };
                return edit?.Change;
            }),
            (Remove remove, EntryMap map) => map.Remove(Bytes(remove.Key)),
            (Clear, EntryMap map) => map.Clear(),
            _ => throw new InvalidOperationException($"{this} on a {content.Kind}"),
        };
        act = change switch
        {
            RegisterChange set => (Set)act with { Time = set.Value.Clock },
            VoteChange => (Cast)act with { Member = member },
            _ => act,
        };
        return change is null ? null : (change, act);
    }

    public static ByteString Bytes(int value) => ByteString.CopyFrom((byte)value);

    // Each key is mostly of one kind, and sometimes of another.
    private static Gen<(int Key, Kind Kind)> KeyAndKind(int depth) => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4], (key, kind) => (key, (key, kind) switch
    {
        (0, 0) => Kind.ORSet,
        (0, _) => Kind.GCounter,
        (1, < 2) => Kind.PNCounter,
        (1, _) => depth < MaxDepth ? Kind.OrMap : Kind.ORSet,
        (2, < 2) => Kind.Flag,
        (2, _) => Kind.GSet,
        (_, < 2) => Kind.Vote,
        _ => Kind.LwwRegister,
    }));
}

internal sealed record Add(long Amount) : Act;

internal sealed record Enable : Act;

internal sealed record AddElement(int Element) : Act;

internal sealed record RemoveElement(int Element) : Act;

/// <summary>Of a set or a map.</summary>
internal sealed record Clear : Act;

/// <param name="Value">The value.</param>
/// <param name="Clock">How its clock comes about.</param>
/// <param name="Time">The caller's; once it is done, the clock of the value.</param>
internal sealed record Set(int Value, RegisterClock Clock, long Time) : Act;

internal sealed record Cast(bool IsYes, Guid Member) : Act;

internal sealed record Put(int Key, Kind Kind) : Act;

/// <param name="Key">Of the entry.</param>
/// <param name="Kind">Of its content.</param>
/// <param name="Inner">What is done to the content; once it is done, null if that only added the entry.</param>
internal sealed record Update(int Key, Kind Kind, Act? Inner) : Act;

internal sealed record Remove(int Key) : Act;
