using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Faults.Replicas;

/// <summary>The service with counters and sets: this program as <c>replicas [--sabotage name]</c>.</summary>
internal static class ReplicaPod
{
    public const string Role = "replicas";

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var cloudState = builder.AddCloudState().AddEntity<TallyEntity>().AddEntity<BadgeEntity>().UseMarten();
        if (args is ["--sabotage", var name])
        {
            Sabotage.Apply(cloudState, name);
        }

        var app = builder.Build();
        app.UseCloudState();
        app.MapCloudState();
        return await app.RunCloudStateAsync(args);
    }
}
