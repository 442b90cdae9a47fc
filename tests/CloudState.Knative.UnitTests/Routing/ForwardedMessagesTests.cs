using CloudState.Knative.Entities;
using CloudState.Knative.Routing;
using CloudState.Knative.UnitTests.Protos;
using CloudState.Knative.UnitTests.Runtime;

namespace CloudState.Knative.UnitTests.Routing;

public sealed class ForwardedMessagesTests
{
    private const string Generated = "0199c0ffee0000000000000000000000";

    private static readonly EntityDefinition Counter = EntityDefinitionReader.Read(typeof(CounterEntity));

    [Theory]
    [InlineData("order-7", "order-7", "key/order-7")]
    [InlineData("order 7", "order 7", "key/order 7")]
    [InlineData(Generated, Generated, $"key/{Generated}")]
    [InlineData("/source 7", null, "event//source 7")]
    [InlineData("/source 7", "order-7", "event//source 7")]
    [InlineData(Generated, null, Generated)]
    public void CommandIdOfAnEarlierRelease_IsAKey_IfTheHeaderSaysSo(string former, string? header, string expected)
    {
        var head = new ForwardedCommand { CommandId = former };
        head.Metadata.Add(header is null ? [] : ["accept", "*/*", "Idempotency-Key", header]);

        Assert.Equal(expected, IdOf(head));
    }

    [Theory]
    [InlineData("order-7 1", "call/1/key/order-7")]
    [InlineData("/source 7 2", "call/2/event//source 7")]
    [InlineData($"{Generated} 3", $"call/3/{Generated}")]
    [InlineData(Generated, Generated)]
    public void CommandIdOfAnEarlierRelease_IsThatOfACall_IfAnotherCallHasLedToIt(string former, string expected) =>
        Assert.Equal(expected, IdOf(new ForwardedCommand { CommandId = former, Depth = 1 }));

    [Fact]
    public void CommandId_StaysAsItIs() =>
        Assert.Equal("event/order 7", IdOf(new ForwardedCommand { CommandId = "event/order 7", HasEdge = true, Metadata = { "idempotency-key", "event/order 7" } }));

    private static string? IdOf(ForwardedCommand head) => ForwardedMessages.ToCommand(
        head, new Addition { Counter = "a" }, Counter, Counter.Commands["cloudstate.tests.unit.Counter/Add"], DateTimeOffset.UnixEpoch, CancellationToken.None).CommandId;
}
