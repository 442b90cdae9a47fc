using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Benchmarks.Events;

/// <summary>A pod of the measured service: this program as <c>journal-pod CONSUMERS</c>.</summary>
internal static class SensorPod
{
    public const string Role = "journal-pod";

    /// <summary>Where a pod says how many events each of its consumers has taken.</summary>
    public const string CountsPath = "/counts";

    private static readonly Action<CloudStateBuilder>[] Consumers =
    [
        cloudState => cloudState.AddAction<Consumer1Action>(),
        cloudState => cloudState.AddAction<Consumer2Action>(),
        cloudState => cloudState.AddAction<Consumer3Action>(),
        cloudState => cloudState.AddAction<Consumer4Action>(),
        cloudState => cloudState.AddAction<Consumer5Action>(),
    ];

    public static int MaxConsumers => Consumers.Length;

    public static async Task<int> RunAsync(string consumerCount, string[] args)
    {
        var consumers = int.Parse(consumerCount, CultureInfo.InvariantCulture);
        var builder = WebApplication.CreateSlimBuilder();
        var cloudState = builder.AddCloudState().AddEntity<SensorEntity>().UseMarten();
        foreach (var add in Consumers.Take(consumers))
        {
            add(cloudState);
        }

        var app = builder.Build();
        app.UseCloudState();
        app.MapCloudState();
        app.MapGet(CountsPath, () => ConsumerCounts.Describe(consumers));
        return await app.RunCloudStateAsync(args);
    }
}
