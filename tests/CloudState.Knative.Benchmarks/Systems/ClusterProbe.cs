using System.Text.Json;

namespace CloudState.Knative.Benchmarks.Systems;

/// <summary>Asks pods of CloudState who owns what, on their internal ports.</summary>
internal static class ClusterProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Returns when each pod owns its share and nothing moves.</summary>
    public static async Task WaitUntilBalancedAsync(IReadOnlyList<Server> pods, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        foreach (var pod in pods)
        {
            while (!IsBalanced(await http.GetStringAsync(new Uri($"http://127.0.0.1:{pod.Ports.Internal}/cloudstate/cluster"), limit.Token), pods.Count))
            {
                await Task.Delay(Interval, limit.Token);
            }
        }
    }

    public static bool IsBalanced(string report, int pods)
    {
        using var cluster = JsonDocument.Parse(report);
        var self = cluster.RootElement.GetProperty("self").GetString();
        return self is not null
            && cluster.RootElement.GetProperty("members").GetArrayLength() == pods
            && cluster.RootElement.GetProperty("slots").EnumerateObject().All(type => HasItsShare(type.Value, self));
    }

    private static bool HasItsShare(JsonElement slots, string self) =>
        slots.GetProperty("draining").GetInt32() == 0
        && slots.GetProperty("proposed").TryGetProperty(self, out var proposed)
        && proposed.GetInt32() == slots.GetProperty("owned").GetInt32();
}
