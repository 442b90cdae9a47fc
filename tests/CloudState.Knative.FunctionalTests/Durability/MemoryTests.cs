using System.Net;
using System.Net.Sockets;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>
/// A process with little memory: it answers every request, with a result or a refusal, is not ready while it refuses, does not die, and serves as before
/// when the load is over. Nothing else runs meanwhile: other tests would find a busy machine.
/// </summary>
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests(TemporaryFolder folder) : IClassFixture<TemporaryFolder>
{
    private const int Megabyte = 1024 * 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    public async Task ReadsOfWhatDoesNotExist_AreServed(int megabytes)
    {
        await using var service = await StartAsync(megabytes);

        await Parallel.ForEachAsync(Enumerable.Range(0, 3_000), new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Cancellation }, async (number, _) =>
            await AnswerAsync(service, new(HttpMethod.Get, $"/carts/nobody-{number}")));

        await ServesAsync(service);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    public async Task StateThatGrows_IsBounded_AndStaysReadable(int megabytes)
    {
        await using var service = await StartAsync(megabytes);
        var answers = new List<HttpStatusCode>();
        for (var item = 0; item < 10; item++)
        {
            answers.Add(await AnswerAsync(service, Add("big", $"p{item}", new string('x', megabytes * Megabyte / 200))));
        }

        // A 64th of the memory may be one state.
        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.OK, 3), .. Enumerable.Repeat(HttpStatusCode.BadRequest, 7)], answers);
        Assert.Equal(HttpStatusCode.OK, await AnswerAsync(service, new(HttpMethod.Get, "/carts/big")));
        await ServesAsync(service);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    public async Task ClientsThatDoNotRead_HoldUpNoOthers(int megabytes)
    {
        await using var service = await StartAsync(megabytes);
        Assert.Equal(HttpStatusCode.OK, await AnswerAsync(service, Add("large", "p", new string('x', megabytes * Megabyte / 70))));
        var request = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET /carts/large HTTP/1.1\r\nHost: localhost\r\n\r\n", 10)));
        var silent = new List<Socket>();
        for (var client = 0; client < 300; client++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            await socket.ConnectAsync("localhost", service.Address.Port, Cancellation);
            await socket.SendAsync(request, Cancellation);
            silent.Add(socket);
        }

        for (var probe = 0; probe < 54; probe++)
        {
            await AnswerAsync(service, new(HttpMethod.Get, probe % 2 == 0 ? "/carts/large" : $"/carts/other-{probe}"));
        }

        silent.ForEach(socket => socket.Dispose());
        await ServesAsync(service);
    }

    private static HttpRequestMessage Add(string cart, string product, string name) => new(HttpMethod.Post, $"/cart/{cart}/items/add")
    {
        Content = new StringContent($$"""{"productId":"{{product}}","name":"{{name}}","quantity":1}""", Encoding.UTF8, "application/json"),
    };

    /// <summary>Whatever the load: a result, a rejection, or a refusal; and whoever refuses is not ready.</summary>
    private static async Task<HttpStatusCode> AnswerAsync(ServiceProcess service, HttpRequestMessage request)
    {
        using var sent = request;
        using var response = await service.Http.SendAsync(sent, Cancellation);
        var status = response.StatusCode;
        Assert.True(
            status is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests,
            $"{status} for {request.RequestUri}\n{service.Output}");
        if (status is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests)
        {
            using var readiness = await service.Http.GetAsync("/health/readiness", Cancellation);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, readiness.StatusCode);
        }

        return status;
    }

    private static async Task ServesAsync(ServiceProcess service)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!(await service.Http.GetAsync("/health/readiness", patience.Token)).IsSuccessStatusCode)
        {
            await Task.Yield();
        }

        using var added = await service.Http.SendAsync(Add("small", "p1", "Tea"), Cancellation);
        Assert.True(added.IsSuccessStatusCode, service.Output);
        Assert.Contains("Tea", await service.Http.GetStringAsync("/carts/small", Cancellation), StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper!.WriteLine(service.Memory);
    }

    [CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
    public sealed class Alone;

    private Task<ServiceProcess> StartAsync(int megabytes) => ServiceProcess.StartAsync(
        ("DOTNET_GCHeapHardLimit", $"{megabytes * Megabyte:x}"), ("CloudState__Sqlite__Path", Path.Combine(folder.Path, $"{Guid.NewGuid():N}.db")));
}
