using CloudState.Knative.UnitTests.Kinds;

namespace CloudState.Knative.UnitTests.Crdts;

public sealed class RegisterTests
{
    private readonly CrdtReplica<LwwRegister<string>> _one = new(1);
    private readonly CrdtReplica<LwwRegister<string>> _two = new(2);

    [Fact]
    public void Unset_HasTheDefault()
    {
        Assert.False(_one.Value.IsSet);
        Assert.Null(_one.Value.Value);
        Assert.Equal(0, new LwwRegister<int>().Value);
        Assert.Equal("null", _one.Json);

        _one.Value.Set("");
        Assert.True(_one.Value.IsSet);
        Assert.Equal("", _one.Value.Value);
    }

    [Fact]
    public void LastValue_Wins_ByTheTimeOfTheProcess()
    {
        _one.Time.Advance(TimeSpan.FromMilliseconds(1));
        _one.Value.Set("later");
        _two.Value.Set("earlier");
        _one.ExchangeWith(_two);

        AssertBoth("later");

        // What has seen the other is later, whatever the clock says.
        _two.Value.Set("last");
        _one.ExchangeWith(_two);
        AssertBoth("last");
    }

    [Fact]
    public void FirstValue_WinsWithReverseClocks()
    {
        _two.Time.Advance(TimeSpan.FromMilliseconds(1));
        _one.Value.Set("earlier", LwwClock.Reverse);
        _two.Value.Set("later", LwwClock.Reverse);
        _one.ExchangeWith(_two);

        AssertBoth("earlier");
    }

    [Fact]
    public void CustomClocks_AreThoseOfTheCaller()
    {
        _one.Value.Set("five", LwwClock.Custom, 5);
        _one.Value.Set("four", LwwClock.Custom, 4);
        Assert.Equal("five", _one.Value.Value);

        _one.Value.Set("six", LwwClock.CustomAutoIncrement, 4);
        _two.Value.Set("also five", LwwClock.Custom, 5);
        _one.ExchangeWith(_two);
        AssertBoth("six");

        Assert.Throws<ArgumentOutOfRangeException>(() => _one.Value.Set("never", (LwwClock)9));
        AssertBoth("six");
    }

    [Fact]
    public void Messages_AreJson()
    {
        var register = new LwwRegister<AllKinds>();
        register.Set(new AllKinds { StringValue = "a\"b" });

        Assert.Equal("""{ "stringValue": "a\"b" }""", CrdtReplica<Flag>.Text(register));
    }

    private void AssertBoth(string expected) => Assert.Equal((expected, expected), (_one.Value.Value, _two.Value.Value));
}
