using CloudState.Knative.Lattices;
using CsCheck;

namespace CloudState.Knative.UnitTests.Crdts;

/// <summary>What several commands of one commit change is one delta, with which other processes come to the same value.</summary>
public sealed class CrdtConvergenceTests
{
    [Fact]
    public void ChangesOfACommit_AreOneDelta()
    {
        var (one, two) = (new CrdtReplica<OrMap<string>>(1), new CrdtReplica<OrMap<string>>(2));
        one.Value.Get<ORSet<string>>("tags").Add("a");
        one.Value.Get<ORSet<string>>("tags").Add("b");
        one.Value.Get<ORSet<string>>("tags").Remove("a");
        one.Value.Get<PNCounter>("likes").Increment(3);
        one.Value.Get<PNCounter>("likes").Decrement();
        one.Value.Remove("nothing");

        var delta = Assert.IsType<LatticeDelta>(one.Commit());
        Assert.Equal(new Dot(1, 1), delta.Stamp.Dot);
        Assert.Null(one.Commit());
        two.Get(delta);

        Assert.Equal(["b"], two.Value.Get<ORSet<string>>("tags"));
        Assert.Equal(2, two.Value.Get<PNCounter>("likes").Value);
        Assert.Equal(LatticeBytes.Write(one.State), LatticeBytes.Write(two.State));
    }

    [Fact]
    public void Replicas_Converge() => Gen.Select(Gen.Int[0, 2], Gen.Int[0, 9], Gen.Int[0, 2], Gen.Int[0, 3]).Array[0, 40].Sample(steps =>
    {
        var replicas = new[] { new CrdtReplica<OrMap<int>>(1), new CrdtReplica<OrMap<int>>(2) };
        foreach (var (who, what, key, element) in steps)
        {
            if (who == 2)
            {
                replicas[0].ExchangeWith(replicas[1]);
                continue;
            }

            var map = replicas[who].Value;
            switch (what)
            {
                case 0:
                    map.Clear();
                    break;
                case 1:
                    map.Remove(key);
                    break;
                case 2:
                    map.Add<PNCounter>(10 + key);
                    break;
                case < 5:
                    map.Get<ORSet<int>>(key).Remove(element);
                    break;
                case < 7:
                    map.Get<PNCounter>(10 + key).Decrement(element);
                    break;
                case 7:
                    map.Get<OrMap<int, LwwRegister<int>>>(20 + key)[element].Set(element);
                    break;
                default:
                    map.Get<ORSet<int>>(key).Add(element);
                    break;
            }
        }

        replicas[0].ExchangeWith(replicas[1]);

        Assert.Equal(replicas[0].Json, replicas[1].Json);
        Assert.Equal(LatticeBytes.Write(replicas[0].State), LatticeBytes.Write(replicas[1].State));
    });
}
