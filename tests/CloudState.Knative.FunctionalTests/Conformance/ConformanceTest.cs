using System.Net;
using System.Text;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Conformance;

/// <summary>What the tests of all models have in common. Each uses ids of its own.</summary>
public abstract class ConformanceTest(TckDeployment tck)
{
    private protected TckDeployment Tck { get; } = tck;

    private protected static CallOptions Options => new(deadline: DateTime.UtcNow + TestService.Patience, cancellationToken: TestContext.Current.CancellationToken);

    private protected static string NewId() => Guid.NewGuid().ToString("N");

    private protected static string[] NewIds(int count) => [.. Enumerable.Range(0, count).Select(_ => NewId())];

    /// <summary>Waits until these targets were called, and checks that each was once.</summary>
    private protected async Task AreCalledOnceAsync(params string[] ids)
    {
        await Tck.Calls.ReceivedAsync(ids, TestContext.Current.CancellationToken).WaitAsync(TestService.Patience);
        Assert.Equal(ids.Order(), Tck.Calls.Of(ids).Order());
    }

    private protected static async Task FailsAsync(string message, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((StatusCode.FailedPrecondition, message), (failure.StatusCode, failure.Status.Detail));
    }

    private protected async Task<string> PostAsync(string path, string json, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Tck.Http.PostAsync(path, content, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == expected, $"{response.StatusCode} {body}");
        return body;
    }
}
