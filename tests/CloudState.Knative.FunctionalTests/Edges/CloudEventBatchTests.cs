using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CloudState.Knative.FunctionalTests.Bank;
using CloudState.Knative.FunctionalTests.Hosting;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Many events in one request: those of different keys at the same time, those of one key one after another.</summary>
public sealed class CloudEventBatchTests : IAsyncLifetime
{
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await BankService.StartAsync();

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task EventsOfOtherKeys_DoNotWait_AndThoseOfOneKeyKeepTheirOrder()
    {
        _service.Events().Close();

        var answer = SendAsync([("a", 1), ("a", 2), ("b", 3), ("a", 4), ("b", 5)]);

        // The first of each key are there while none is done; nothing overtakes them.
        await _service.Events().UntilAsync(arrived => arrived.Count == 2);
        Assert.Equal([("a", 1L), ("b", 3L)], Arrived().Order());
        _service.Events().Open();
        Assert.Equal(HttpStatusCode.NoContent, (await answer).StatusCode);
        Assert.Equal([1L, 2L, 4L], Arrived().Where(deposit => deposit.Account == "a").Select(deposit => deposit.Amount));
        Assert.Equal([3L, 5L], Arrived().Where(deposit => deposit.Account == "b").Select(deposit => deposit.Amount));
    }

    [Fact]
    public async Task MoreKeysThanAreHandledAtOnce_AreAllDone()
    {
        (string, long)[] deposits = [.. Enumerable.Range(0, 200).Select(number => ($"many-{number}", (long)number))];

        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(deposits)).StatusCode);

        Assert.Equal(deposits.Order(), Arrived().Order());
    }

    [Fact]
    public async Task OneThatIsToBeDeliveredAgain_DecidesTheAnswer()
    {
        _service.Events().Refusals = 1;

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await SendAsync([("a", 1), ("b", 2), ("c", 3)])).StatusCode);
    }

    private IEnumerable<(string Account, long Amount)> Arrived() => _service.Events().Arrived.Select(arrived => (arrived.Deposit.Account, arrived.Deposit.Amount));

    private Task<HttpResponseMessage> SendAsync((string Account, long Amount)[] deposits)
    {
        var batch = deposits.Select((deposit, number) => new
        {
            specversion = "1.0",
            id = $"{number}",
            source = "/test",
            type = DepositMoney.Descriptor.FullName,
            subject = deposit.Account,
            data = new { amount = deposit.Amount },
        });
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(batch));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents-batch+json");
        return _service.Http1.PostAsync("/", content, TestContext.Current.CancellationToken);
    }
}
