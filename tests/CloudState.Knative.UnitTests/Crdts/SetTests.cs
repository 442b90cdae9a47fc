using CsCheck;

namespace CloudState.Knative.UnitTests.Crdts;

public sealed class SetTests
{
    [Fact]
    public void ORSet_IsASet() => Gen.Select(Gen.Int[0, 9], Gen.Int[-3, 3]).Array[0, 40].Sample(steps =>
    {
        var (set, model) = (new ORSet<int>(), new SortedSet<int>());
        foreach (var (step, element) in steps)
        {
            switch (step)
            {
                case 0:
                    set.Clear();
                    model.Clear();
                    break;
                case < 4:
                    Assert.Equal(model.Remove(element), set.Remove(element));
                    break;
                default:
                    Assert.Equal(model.Add(element), set.Add(element));
                    break;
            }

            Assert.Equal(model.Contains(element), set.Contains(element));
            Assert.Equal(model.Count, set.Count);
            Assert.Equal(model, set);
        }
    });

    [Fact]
    public void GSet_OnlyGrows()
    {
        var set = new GSet<string>();

        Assert.True(set.Add("b"));
        Assert.True(set.Add("a"));
        Assert.False(set.Add("b"));
        Assert.Equal(["a", "b"], set);
        Assert.False(set.Contains("c"));
    }

    [Fact]
    public void Enumeration_DoesNotSeeChanges()
    {
        var set = new ORSet<string> { "a", "b" };
        foreach (var element in set)
        {
            set.Remove(element);
            set.Add(element + element);
        }

        Assert.Equal(["aa", "bb"], set);
    }

    [Fact]
    public void ElementThatIsAddedConcurrentlyWithItsRemoval_Stays()
    {
        var (one, two) = (new CrdtReplica<ORSet<string>>(1), new CrdtReplica<ORSet<string>>(2));
        one.Value.Add("a");
        one.Value.Add("b");
        one.ExchangeWith(two);

        one.Value.Add("a");
        two.Value.Clear();
        one.ExchangeWith(two);

        Assert.Equal(("[\"a\"]", "[\"a\"]"), (one.Json, two.Json));
    }
}
