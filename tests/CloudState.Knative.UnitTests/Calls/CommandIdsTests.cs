using CloudState.Knative.Calls;

namespace CloudState.Knative.UnitTests.Calls;

public class CommandIdsTests
{
    [Fact]
    public void IdsOfDifferentEdges_Differ_WhateverClientsSend()
    {
        const string Text = "/shop/order order/7/2";
        string[] ids =
        [
            CommandIds.OfKey(Text),
            CommandIds.OfEvent("/shop/order", "order/7/2"),
            CommandIds.OfLog("/shop/order", "order/7/2", group: null),
            CommandIds.OfCall(CommandIds.OfKey("/shop/order"), 1),
            CommandIds.OfKey(CommandIds.OfLog("/shop/order", "order/7/2", group: null)),
            CommandIds.OfKey(CommandIds.OfCall(CommandIds.OfKey("/shop/order"), 1)),
        ];

        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void FormerIds_AreThoseOfEarlierReleases()
    {
        Assert.Equal("order-7", CommandIds.FormerOf(CommandIds.OfKey("order-7")));
        Assert.Equal("/source 7", CommandIds.FormerOf(CommandIds.OfEvent("/source", "7")));
        Assert.Equal("order-7 1 12", CommandIds.FormerOf(CommandIds.OfCall(CommandIds.OfCall(CommandIds.OfKey("order-7"), 1), 12)));
        Assert.Equal("/source 7 1", CommandIds.FormerOf(CommandIds.OfCall(CommandIds.OfLog("/source", "7", null), 1)));
    }

    [Fact]
    public void FormerIds_AreNoneOfOtherEdges()
    {
        Assert.Equal("", CommandIds.FormerOf(CommandIds.OfLog("/source", "7", null)));
        Assert.Equal("", CommandIds.FormerOf(CommandIds.OfKey("log//source 7")));
        Assert.Equal("", CommandIds.FormerOf(CommandIds.OfKey("key/7")));
        Assert.Equal("", CommandIds.FormerOf(Guid.Empty.ToString("N")));
        Assert.Equal("", CommandIds.FormerOf(CommandIds.OfCall(Guid.Empty.ToString("N"), 1)));
    }

    [Theory]
    [InlineData("order-7", false, "key/order-7")]
    [InlineData("/source 7", false, "event//source 7")]
    [InlineData("/shop/order order/7/2", true, "log//shop/order order/7/2")]
    [InlineData("log//shop/order order/7/2", true, "log//shop/order order/7/2")]
    [InlineData("0199c0ffee0000000000000000000000", false, "0199c0ffee0000000000000000000000")]
    [InlineData("0199c0ffee0000000000000000000000-7", false, "0199c0ffee0000000000000000000000-7")]
    public void IdOfAnEarlierRelease_GetsItsWord(string former, bool isFromLog, string expected) => Assert.Equal(expected, CommandIds.OfEarlierRelease(former, isFromLog));

    [Fact]
    public void Header_IsTheIdIfItFits()
    {
        Assert.Equal("call/1/key/7", CommandIds.ToHeader("call/1/key/7"));
        Assert.Equal(71, CommandIds.ToHeader("call/1/event/ä 7").Length);
        Assert.NotEqual(CommandIds.ToHeader("call/1/event/ä 7"), CommandIds.ToHeader("call/1/event/ä 8"));
        Assert.StartsWith("sha256/", CommandIds.ToHeader(new string('x', 257)), StringComparison.Ordinal);
    }
}
