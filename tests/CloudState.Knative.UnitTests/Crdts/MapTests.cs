using CloudState.Knative.Lattices;
using CloudState.Knative.UnitTests.Kinds;
using CsCheck;

namespace CloudState.Knative.UnitTests.Crdts;

public sealed class MapTests
{
    private readonly CrdtReplica<OrMap<string>> _one = new(1);
    private readonly CrdtReplica<OrMap<string>> _two = new(2);

    [Fact]
    public void Map_IsADictionary() => Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3], Gen.Long[-5, 5]).Array[0, 40].Sample(steps =>
    {
        var (map, model) = (new OrMap<int, PNCounter>(), new SortedDictionary<int, long>());
        foreach (var (step, key, amount) in steps)
        {
            switch (step)
            {
                case 0:
                    map.Clear();
                    model.Clear();
                    break;
                case < 3:
                    Assert.Equal(model.Remove(key), map.Remove(key));
                    break;
                case 3:
                    Assert.Equal(model.TryAdd(key, 0), map.Add(key));
                    break;
                default:
                    map[key].Increment(amount);
                    if (amount != 0)
                    {
                        model[key] = model.GetValueOrDefault(key) + amount;
                    }

                    break;
            }

            Assert.Equal(model.ContainsKey(key), map.ContainsKey(key));
            Assert.Equal((model.Count, model.GetValueOrDefault(key)), (map.Count, map[key].Value));
            Assert.Equal(model.Keys, map.Keys);
            Assert.Equal(model, map.Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Value)));
        }
    });

    [Fact]
    public void Reading_AndWhatChangesNothing_AddsNoEntry()
    {
        var map = new OrMap<string, OrMap<string, ORSet<string>>>();

        Assert.Empty(map["a"]["b"]);
        map["a"]["b"].Remove("c");
        map["a"]["b"].Clear();
        map["a"].Clear();
        Assert.Empty(map);

        map["a"]["b"].Add("c");
        Assert.Equal("""{"a":{"b":["c"]}}""", CrdtReplica<Flag>.Text(map));
    }

    [Fact]
    public void ValueOfARemovedEntry_IsEmpty_AndAddsItAgain()
    {
        var map = new OrMap<string, ORSet<string>>();
        var value = map["a"];
        value.Add("old");
        map.Remove("a");

        Assert.Empty(value);
        value.Add("new");
        Assert.Equal(["new"], map["a"]);
    }

    [Fact]
    public void OtherKind_IsRefused_AndChangesNothing()
    {
        var map = new OrMap<string>();
        map.Get<PNCounter>("a").Increment();
        var set = map.Get<ORSet<string>>("a");

        Action[] uses = [() => _ = set.Count, () => set.Add("x"), () => map.Add<Flag>("a")];
        Assert.All(uses, use => Assert.Contains("The entry is a PNCounter, not a", Assert.Throws<InvalidOperationException>(use).Message));
        Assert.Equal("""{"a":1}""", CrdtReplica<Flag>.Text(map));

        map.Remove("a");
        set.Add("x");
        Assert.Equal(["x"], map.Get<ORSet<string>>("a"));
    }

    [Fact]
    public void MapsThatAreTooDeep_AreRefused_AndChangeNothing()
    {
        var outermost = new OrMap<int>();
        var map = outermost;
        for (var depth = 0; depth < EntryMap.MaxDepth; depth++)
        {
            map = map.Get<OrMap<int>>(0);
        }

        map.Get<Flag>(1).Enable();
        Assert.Contains("At most 20 maps", Assert.Throws<InvalidOperationException>(() => map.Get<OrMap<int>>(2).Add<Flag>(0)).Message);
        Assert.Equal([1], map.Keys);
    }

    [Fact]
    public void EntryThatIsRemovedConcurrentlyWithAChange_HasTheChangeAlone()
    {
        _one.Value.Get<OrMap<int, ORSet<string>>>("m")[1].Add("old");
        _one.ExchangeWith(_two);

        _one.Value.Get<OrMap<int, ORSet<string>>>("m")[1].Add("new");
        _two.Value.Remove("m");
        _one.ExchangeWith(_two);

        Assert.Equal(["new"], _one.Value.Get<OrMap<int, ORSet<string>>>("m")[1]);
        Assert.Equal(_one.Json, _two.Json);
    }

    [Fact]
    public void Json_OfMixedKinds_ShowsElementsAsBytes()
    {
        _one.Value.Get<GCounter>("a").Increment(ulong.MaxValue);
        _one.Value.Get<PNCounter>("b").Decrement(1);
        _one.Value.Get<GSet<string>>("c").Add("x");
        _one.Value.Get<ORSet<string>>("d").Add("y");
        _one.Value.Get<LwwRegister<string>>("e").Set("z");
        _one.Value.Get<Flag>("f").Enable();
        _one.Value.Get<OrMap<string, Flag>>("g").Add("h");
        _one.Value.Get<Vote>("i").SelfVote = true;

        Assert.Equal(
            """{"a":18446744073709551615,"b":-1,"c":["eA=="],"d":["eQ=="],"e":"eg==","f":true,"g":{"aA==":false},"i":{"votesFor":1,"totalVoters":1}}""",
            _one.Json);
    }

    [Fact]
    public void Json_OfATypedMap_HasTheTextsOfItsKeys_AndEntriesOfOtherKindsToo()
    {
        var map = new CrdtReplica<OrMap<Shade, ORSet<string>>>(1);
        map.Value[Shade.Dark].Add("x");
        var later = new OrMap<Shade>();
        later.Attach(map);
        later.Get<PNCounter>(Shade.None).Increment(7);

        Assert.Equal("""{"None":7,"Dark":["x"]}""", map.Json);
    }
}
