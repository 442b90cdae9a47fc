using System.Net;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Tck.Action;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>The conformance model of actions, by each of its four kinds of rpcs.</summary>
public abstract class ActionContract(TckDeployment tck) : ConformanceTest(tck)
{
    private const string UnaryPath = "/tck/model/action/unary";

    public enum Rpc
    {
        Unary,
        StreamedIn,
        StreamedOut,
        Streamed,
    }

    public static TheoryData<Rpc> AllRpcs => [.. Enum.GetValues<Rpc>()];

    private ActionTckModel.ActionTckModelClient Client => new(Tck.Channel);

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task Reply_IsAnswered(Rpc rpc) => Assert.Equal(["a"], await CallAsync(rpc, Group(Reply("a"))));

    [Theory]
    [InlineData(Rpc.Unary, "c")]
    [InlineData(Rpc.StreamedIn, "c")]
    [InlineData(Rpc.StreamedOut, "a", "b", "c")]
    [InlineData(Rpc.Streamed, "a", "b", "c")]
    public async Task SeveralGroups_AreAnsweredByTheirRpc(Rpc rpc, params string[] answers) =>
        Assert.Equal(answers, await CallAsync(rpc, Group(Reply("a")), Group(Reply("x"), Reply("b")), Group(Reply("c"))));

    [Theory]
    [InlineData(Rpc.Unary, "")]
    [InlineData(Rpc.StreamedIn, "")]
    [InlineData(Rpc.StreamedOut)]
    [InlineData(Rpc.Streamed)]
    public async Task NoGroups_AreAnsweredByTheirRpc(Rpc rpc, params string[] answers) => Assert.Equal(answers, await CallAsync(rpc));

    [Fact]
    public async Task Streamed_AnswersEachRequestAsItComes()
    {
        using var call = Client.ProcessStreamed(Options);
        foreach (var message in new[] { "a", "b", "c" })
        {
            await call.RequestStream.WriteAsync(new Request { Groups = { Group(Reply(message)), Group(Reply(message + message)) } });

            Assert.Equal(message, await NextAsync(call.ResponseStream));
            Assert.Equal(message + message, await NextAsync(call.ResponseStream));
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task Forward_RepliesWhatTheTargetReplies(Rpc rpc)
    {
        var target = NewId();

        Assert.Equal([""], await CallAsync(rpc, Group(Reply("x"), Forward(target))));

        Assert.Equal([target], Tck.Calls.Of(target));
    }

    [Theory]
    [InlineData(Rpc.StreamedOut)]
    [InlineData(Rpc.Streamed)]
    public async Task ForwardOfOneGroup_LeavesTheOthers(Rpc rpc)
    {
        var targets = NewIds(2);

        Assert.Equal(["a", "", "", "b"], await CallAsync(rpc, Group(Reply("a")), Group(Forward(targets[0])), Group(Forward(targets[1])), Group(Reply("b"))));

        Assert.Equal(targets, Tck.Calls.Of(targets));
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task ForwardWithEffects_CallsAllTargets(Rpc rpc)
    {
        var ids = NewIds(3);

        Assert.Equal([""], await CallAsync(rpc, Group(Effect(ids[0]), Forward(ids[1]), Effect(ids[2], synchronous: true))));

        await AreCalledOnceAsync(ids);
    }

    [Theory]
    [InlineData(Rpc.Unary)]
    [InlineData(Rpc.StreamedIn)]
    public async Task ReplyAfterForwardAndFailure_Wins(Rpc rpc)
    {
        var dropped = NewId();

        Assert.Equal(["a"], await CallAsync(rpc, Group(Forward(dropped)), Group(Fail("no")), Group(Reply("a"))));

        Assert.Empty(Tck.Calls.Of(dropped));
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task Effect_CallsItsTarget(Rpc rpc)
    {
        var target = NewId();

        Assert.Equal(["a"], await CallAsync(rpc, Group(Reply("a"), Effect(target))));

        await AreCalledOnceAsync(target);
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task SeveralEffects_CallAllTargets(Rpc rpc)
    {
        var ids = NewIds(4);

        await CallAsync(rpc, Group(Effect(ids[0]), Reply("a"), Effect(ids[1])), Group(Effect(ids[2]), Effect(ids[3])));

        await AreCalledOnceAsync(ids);
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task SynchronousEffects_AreDoneInOrderBeforeTheReply(Rpc rpc)
    {
        var ids = NewIds(4);

        await CallAsync(rpc, Group(Effect(ids[0], synchronous: true), Effect(ids[1], synchronous: true)), Group(Reply("a"), Effect(ids[2], synchronous: true), Effect(ids[3], synchronous: true)));

        Assert.Equal(ids, Tck.Calls.Of(ids));
    }

    [Fact]
    public async Task SynchronousEffectOfOneGroup_IsDoneBeforeItsAnswer()
    {
        var target = NewId();
        using var call = Client.ProcessStreamed(Options);

        await call.RequestStream.WriteAsync(new Request { Groups = { Group(Effect(target, synchronous: true), Reply("a")) } });

        Assert.Equal("a", await NextAsync(call.ResponseStream));
        Assert.Equal([target], Tck.Calls.Of(target));
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public Task Failure_RepliesItsMessage(Rpc rpc) => FailsAsync("no", () => CallAsync(rpc, Group(Reply("x"), Fail("no"))));

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task FailureWithEffects_KeepsThem(Rpc rpc)
    {
        var ids = NewIds(4);

        await FailsAsync("no", () => CallAsync(rpc, Group(Effect(ids[0]), Effect(ids[1], synchronous: true), Fail("no"), Effect(ids[2]), Effect(ids[3], synchronous: true))));

        await AreCalledOnceAsync(ids);
    }

    [Theory]
    [MemberData(nameof(AllRpcs))]
    public async Task Failure_LetsTheActionGoOn(Rpc rpc)
    {
        await FailsAsync("no", () => CallAsync(rpc, Group(Fail("no"))));

        Assert.Equal(["a"], await CallAsync(rpc, Group(Reply("a"))));
    }

    [Fact]
    public async Task FailureOfOneGroup_EndsTheAnswersAfterIt()
    {
        using var call = Client.ProcessStreamedOut(new Request { Groups = { Group(Reply("a")), Group(Fail("no")), Group(Reply("b")) } }, Options);

        Assert.Equal("a", await NextAsync(call.ResponseStream));
        await FailsAsync("no", () => call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task HttpApi_Replies() => Assert.Equal(
        """{"message":"b"}""",
        await PostAsync(UnaryPath, """{"groups":[{"steps":[{"reply":{"message":"a"}}]},{"steps":[{"reply":{"message":"b"}}]}]}"""));

    [Fact]
    public async Task HttpApi_RepliesForwardsAndDoesEffects()
    {
        var (forward, effect) = (NewId(), NewId());

        Assert.Equal(
            """{"message":""}""",
            await PostAsync(UnaryPath, $$$"""{"groups":[{"steps":[{"effect":{"id":"{{{effect}}}","synchronous":true}},{"forward":{"id":"{{{forward}}}"}}]}]}"""));

        Assert.Equal([forward], Tck.Calls.Of(forward));
        Assert.Equal([effect], Tck.Calls.Of(effect));
    }

    [Fact]
    public async Task HttpApi_RepliesFailures() => Assert.Equal(
        """{"code":9,"message":"no","details":[]}""",
        await PostAsync(UnaryPath, """{"groups":[{"steps":[{"fail":{"message":"no"}}]}]}""", HttpStatusCode.BadRequest));

    [Fact]
    public async Task HttpApi_WithoutAnnotation_IsPostToTheMethod()
    {
        var id = NewId();

        Assert.Equal("""{"message":""}""", await PostAsync($"/{ActionTwo.Descriptor.FullName}/Call", $$"""{"id":"{{id}}"}"""));

        Assert.Equal([id], Tck.Calls.Of(id));
    }

    /// <summary>The messages of all answers. Streams carry one group per request.</summary>
    private async Task<string[]> CallAsync(Rpc rpc, params ProcessGroup[] groups)
    {
        switch (rpc)
        {
            case Rpc.Unary:
                return [(await Client.ProcessUnaryAsync(new Request { Groups = { groups } }, Options)).Message];
            case Rpc.StreamedIn:
                using (var call = Client.ProcessStreamedIn(Options))
                {
                    await SendAsync(call.RequestStream, groups);
                    return [(await call).Message];
                }

            case Rpc.StreamedOut:
                using (var call = Client.ProcessStreamedOut(new Request { Groups = { groups } }, Options))
                {
                    return await ReadAsync(call.ResponseStream);
                }

            default:
                using (var call = Client.ProcessStreamed(Options))
                {
                    await SendAsync(call.RequestStream, groups);
                    return await ReadAsync(call.ResponseStream);
                }
        }
    }

    private static async Task SendAsync(IClientStreamWriter<Request> stream, ProcessGroup[] groups)
    {
        foreach (var group in groups)
        {
            await stream.WriteAsync(new Request { Groups = { group } });
        }

        await stream.CompleteAsync();
    }

    private static Task<string[]> ReadAsync(IAsyncStreamReader<Response> stream) =>
        stream.ReadAllAsync().Select(response => response.Message).ToArrayAsync().AsTask();

    private static async Task<string> NextAsync(IAsyncStreamReader<Response> stream)
    {
        Assert.True(await stream.MoveNext().WaitAsync(TestService.Patience));
        return stream.Current.Message;
    }

    private static ProcessGroup Group(params ProcessStep[] steps) => new() { Steps = { steps } };

    private static ProcessStep Reply(string message) => new() { Reply = new Reply { Message = message } };

    private static ProcessStep Forward(string id) => new() { Forward = new Forward { Id = id } };

    private static ProcessStep Effect(string id, bool synchronous = false) => new() { Effect = new SideEffect { Id = id, Synchronous = synchronous } };

    private static ProcessStep Fail(string message) => new() { Fail = new Fail { Message = message } };
}

[Collection<EmbeddedTck>]
public sealed class ActionEmbeddedTests(EmbeddedTck tck) : ActionContract(tck);

[Collection<ThreePodsTck>]
public sealed class ActionThreePodsTests(ThreePodsTck tck) : ActionContract(tck);
