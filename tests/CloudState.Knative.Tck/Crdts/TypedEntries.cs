namespace CloudState.Knative.Tck.Crdts;

/// <summary>Entries of a map, whose keys begin with the name of a type, for example <c>ORSet-1</c>.</summary>
internal static class TypedEntries
{
    public static State Read(OrMap<string> map, string key) => TypeOf(key) switch
    {
        "GCounter" => new() { Gcounter = new() { Value = map.Get<GCounter>(key).Value } },
        "PNCounter" => new() { Pncounter = new() { Value = map.Get<PNCounter>(key).Value } },
        "GSet" => new() { Gset = new() { Elements = { map.Get<GSet<string>>(key) } } },
        "ORSet" => new() { Orset = new() { Elements = { map.Get<ORSet<string>>(key) } } },
        "LWWRegister" => new() { Lwwregister = new() { Value = map.Get<LwwRegister<string>>(key).Value ?? "" } },
        "Flag" => new() { Flag = new() { Value = map.Get<Flag>(key).Value } },
        "ORMap" => new() { Ormap = Read(map.Get<OrMap<string>>(key)) },
        "Vote" => new() { Vote = Read(map.Get<Vote>(key)) },
        _ => throw Unknown(key),
    };

    public static void Update(OrMap<string> map, string key, Update update)
    {
        switch (update.UpdateCase)
        {
            case Crdts.Update.UpdateOneofCase.Gcounter:
                map.Get<GCounter>(key).Increment(update.Gcounter.Increment);
                break;
            case Crdts.Update.UpdateOneofCase.Pncounter:
                map.Get<PNCounter>(key).Increment(update.Pncounter.Change);
                break;
            case Crdts.Update.UpdateOneofCase.Gset:
                map.Get<GSet<string>>(key).Add(update.Gset.Add);
                break;
            case Crdts.Update.UpdateOneofCase.Orset:
                Update(map.Get<ORSet<string>>(key), update.Orset);
                break;
            case Crdts.Update.UpdateOneofCase.Lwwregister:
                var (value, clock) = (update.Lwwregister.Value, update.Lwwregister.Clock ?? new());
                map.Get<LwwRegister<string>>(key).Set(value, ClockOf(clock.ClockType), clock.CustomClockValue);
                break;
            case Crdts.Update.UpdateOneofCase.Flag:
                map.Get<Flag>(key).Enable();
                break;
            case Crdts.Update.UpdateOneofCase.Ormap:
                Update(map.Get<OrMap<string>>(key), update.Ormap);
                break;
            case Crdts.Update.UpdateOneofCase.Vote:
                map.Get<Vote>(key).SelfVote = update.Vote.SelfVote;
                break;
        }
    }

    private static void Update(ORSet<string> set, ORSetUpdate update)
    {
        switch (update.ActionCase)
        {
            case ORSetUpdate.ActionOneofCase.Add:
                set.Add(update.Add);
                break;
            case ORSetUpdate.ActionOneofCase.Remove:
                set.Remove(update.Remove);
                break;
            case ORSetUpdate.ActionOneofCase.Clear when update.Clear:
                set.Clear();
                break;
        }
    }

    private static void Update(OrMap<string> map, ORMapUpdate update)
    {
        switch (update.ActionCase)
        {
            case ORMapUpdate.ActionOneofCase.Add:
                AddIfMissing(map, update.Add);
                break;
            case ORMapUpdate.ActionOneofCase.Update:
                // An update that changes nothing adds the entry too.
                AddIfMissing(map, update.Update.Key);
                Update(map, update.Update.Key, update.Update.Update);
                break;
            case ORMapUpdate.ActionOneofCase.Remove:
                map.Remove(update.Remove);
                break;
            case ORMapUpdate.ActionOneofCase.Clear when update.Clear:
                map.Clear();
                break;
        }
    }

    private static void AddIfMissing(OrMap<string> map, string key)
    {
        if (!map.ContainsKey(key))
        {
            _ = TypeOf(key) switch
            {
                "GCounter" => map.Add<GCounter>(key),
                "PNCounter" => map.Add<PNCounter>(key),
                "GSet" => map.Add<GSet<string>>(key),
                "ORSet" => map.Add<ORSet<string>>(key),
                "LWWRegister" => map.Add<LwwRegister<string>>(key),
                "Flag" => map.Add<Flag>(key),
                "ORMap" => map.Add<OrMap<string>>(key),
                "Vote" => map.Add<Vote>(key),
                _ => throw Unknown(key),
            };
        }
    }

    private static ORMapValue Read(OrMap<string> map) => new() { Entries = { map.Keys.Select(key => new ORMapEntryValue { Key = key, Value = Read(map, key) }) } };

    private static VoteValue Read(Vote vote) => new() { SelfVote = vote.SelfVote, VotesFor = vote.VotesFor, TotalVoters = vote.TotalVoters };

    private static LwwClock ClockOf(LWWRegisterClockType type) => type switch
    {
        LWWRegisterClockType.Reverse => LwwClock.Reverse,
        LWWRegisterClockType.Custom => LwwClock.Custom,
        LWWRegisterClockType.CustomAutoIncrement => LwwClock.CustomAutoIncrement,
        _ => LwwClock.Default,
    };

    private static string TypeOf(string key) => key.Split('-', 2)[0];

    private static ArgumentException Unknown(string key) => new($"'{key}' does not begin with the name of a CRDT and '-'.", nameof(key));
}
