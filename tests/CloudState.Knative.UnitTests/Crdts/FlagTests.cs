namespace CloudState.Knative.UnitTests.Crdts;

public sealed class FlagTests
{
    [Fact]
    public void Flag_StaysOn()
    {
        var (one, two) = (new CrdtReplica<Flag>(1), new CrdtReplica<Flag>(2));
        Assert.False(one.Value.Value);
        Assert.Equal("false", one.Json);

        one.Value.Enable();
        one.Value.Enable();
        one.ExchangeWith(two);

        Assert.Equal((true, true), (one.Value.Value, two.Value.Value));
        two.Value.Enable();
        Assert.Null(two.Commit());
    }
}
