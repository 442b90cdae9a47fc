using System.Net;
using System.Net.Http.Json;
using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Actions;

/// <summary>Tellers over gRPC and REST.</summary>
public sealed class ActionTests : IAsyncLifetime
{
    private readonly string _account = Guid.NewGuid().ToString("N");
    private TestService _service = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _service = await BankService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task Unary_ForwardsWithMetadata()
    {
        using var call = _service.Tellers().PayAsync(Payment(5), new Metadata { { "x-caller", "me" } });

        Assert.Equal("me", (await call).Metadata["x-caller"]);
        Assert.Equal("1", (await call.ResponseHeadersAsync).GetValue("x-deposits"));
        Assert.Equal(5, await _service.BalanceAsync(_account));
    }

    [Fact]
    public async Task Rest_AnswersLikeGrpc()
    {
        using var paid = await _service.Http1.PostAsJsonAsync("/tellers/pay", new { account = _account, amount = "5" }, Cancellation);
        using var failed = await _service.Http1.PostAsJsonAsync("/tellers/pay", new { account = _account, amount = "5", behaviour = "effect-fail" }, Cancellation);

        Assert.Equal(HttpStatusCode.OK, paid.StatusCode);
        Assert.Contains("\"balance\":\"5\"", (await paid.Content.ReadAsStringAsync(Cancellation)).Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("1", Assert.Single(paid.Headers.GetValues("x-deposits")));
        Assert.Equal(HttpStatusCode.BadRequest, failed.StatusCode);
    }

    [Fact]
    public async Task CloudEventDeliveredTwice_TakesEffectOnce()
    {
        for (var delivery = 0; delivery < 2; delivery++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = JsonContent.Create(new { account = _account, amount = "5" }) };
            request.Headers.Add("ce-specversion", "1.0");
            request.Headers.Add("ce-type", "cloudstate.tests.bank.Payment");
            request.Headers.Add("ce-source", "/tests");
            request.Headers.Add("ce-id", _account);
            using var answer = await _service.Http1.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        Assert.Equal(5, await _service.BalanceAsync(_account));
    }

    [Fact]
    public async Task SynchronousEffect_IsDoneBeforeTheReply()
    {
        var reply = await _service.Tellers().PayAsync(Payment(5, "effect"));

        Assert.Equal(-1, reply.Balance);
        Assert.Equal(5, await _service.BalanceAsync(_account));
    }

    [Fact]
    public async Task DetachedEffect_IsMadeAfterTheReply()
    {
        _service.Events().Close();

        await _service.Tellers().PayAsync(Payment(5, "detached"));
        _service.Events().Open();

        await _service.Events().UntilAsync(arrived => arrived.Count == 1);
    }

    [Fact]
    public async Task FailedActionWithFailedEffect_FailsWithItsOwnStatus()
    {
        _service.Events().Refusals = 1;

        var failure = await Assert.ThrowsAsync<RpcException>(() => _service.Tellers().PayAsync(Payment(5, "effect-fail")).ResponseAsync);

        Assert.Equal((StatusCode.OutOfRange, "Not today."), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task FailedAction_KeepsItsEffects()
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => _service.Tellers().PayAsync(Payment(5, "effect-fail")).ResponseAsync);

        Assert.Equal((StatusCode.OutOfRange, "Not today."), (failure.StatusCode, failure.Status.Detail));
        Assert.Equal(5, await _service.BalanceAsync(_account));
    }

    [Fact]
    public async Task ThrowingAction_IsInternalWithoutItsMessage()
    {
        _service.ExpectErrors();

        var failure = await Assert.ThrowsAsync<RpcException>(() => _service.Tellers().PayAsync(Payment(5, "throw")).ResponseAsync);

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.StartsWith("Unexpected action failure (trace id ", failure.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StreamedIn_AnswersOnce()
    {
        using var call = _service.Tellers().PayAll(cancellationToken: Cancellation);
        await call.RequestStream.WriteAsync(Payment(2), Cancellation);
        await _service.Events().PaymentAsync();
        await call.RequestStream.WriteAsync(Payment(3), Cancellation);
        await call.RequestStream.CompleteAsync();

        Assert.Equal(5, (await call).Balance);
    }

    [Fact]
    public async Task StreamedMessageThatCannotBeRead_IsInvalidArgument()
    {
        var bytes = Marshallers.Create<byte[]>(content => content, content => content);
        var method = new Method<byte[], byte[]>(MethodType.ClientStreaming, Tellers.Descriptor.FullName, "PayAll", bytes, bytes);
        using var call = _service.Channel.CreateCallInvoker().AsyncClientStreamingCall(method, host: null, default);

        await call.RequestStream.WriteAsync([0xFF], Cancellation);
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);

        Assert.Equal(StatusCode.InvalidArgument, failure.StatusCode);
    }

    [Fact]
    public async Task StreamedOut_SendsEachReplyAtOnce()
    {
        _service.Events().Close();
        using var call = _service.Tellers().PayTwice(Payment(5), cancellationToken: Cancellation);

        Assert.Equal(1, (await NextAsync(call.ResponseStream))?.Balance);
        _service.Events().Open();
        Assert.Equal(5, (await NextAsync(call.ResponseStream))?.Balance);
        Assert.Null(await NextAsync(call.ResponseStream));
    }

    [Theory]
    [InlineData("fail-swallow")]
    [InlineData("fail-throw")]
    [InlineData("fail-status")]
    public async Task RejectedCall_StaysRejected_WhateverTheHandlerDoesThen(string behaviour)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(() => _service.Tellers().PayAsync(Payment(5, behaviour)).ResponseAsync);

        Assert.Equal((StatusCode.OutOfRange, "Not today."), (failure.StatusCode, failure.Status.Detail));
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("fail-swallow")]
    [InlineData("fail-throw")]
    [InlineData("fail-status")]
    public async Task StreamThatFails_EndsAfterItsReplies(string behaviour)
    {
        using var call = _service.Tellers().PayTwice(Payment(5, behaviour), cancellationToken: Cancellation);

        await NextAsync(call.ResponseStream);
        await NextAsync(call.ResponseStream);
        var failure = await Assert.ThrowsAsync<RpcException>(() => NextAsync(call.ResponseStream));

        Assert.Equal((StatusCode.OutOfRange, "Not today."), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task CancelledStream_CancelsTheHandler()
    {
        _service.Events().Close();
        using var call = _service.Tellers().PayTwice(Payment(5), cancellationToken: Cancellation);
        await NextAsync(call.ResponseStream);

        call.Dispose();

        // The service stops only when its calls have ended.
        await _service.StopAsync().WaitAsync(TestService.Patience, Cancellation);
        Assert.Empty(_service.Events().Arrived);
    }

    [Fact]
    public async Task Duplex_AnswersEachMessageAfterItsEffects()
    {
        using var call = _service.Tellers().PayEach(cancellationToken: Cancellation);
        for (var amount = 1; amount <= 3; amount++)
        {
            await call.RequestStream.WriteAsync(Payment(amount), Cancellation);

            Assert.Equal(amount, (await NextAsync(call.ResponseStream))?.Balance);
            Assert.Equal(amount * (amount + 1) / 2, await _service.BalanceAsync(_account));
        }

        await call.RequestStream.CompleteAsync();
        Assert.Null(await NextAsync(call.ResponseStream));
    }

    private static async Task<Account?> NextAsync(IAsyncStreamReader<Account> replies) =>
        await replies.MoveNext(Cancellation).WaitAsync(TestService.Patience, Cancellation) ? replies.Current : null;

    private Payment Payment(long amount, string behaviour = "") => new() { Account = _account, Amount = amount, Behaviour = behaviour };
}
