using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ShoppingCart;

namespace CloudState.Knative.Faults;

/// <summary>The sample's Program.cs, with room for sabotage: <c>pod [--sabotage name]</c>.</summary>
internal static class PodHost
{
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder();
        var cloudState = builder.AddCloudState()
            .AddEntity<ShoppingCartEntity>()
            .UseMarten()
            .UseSqlite()
            .AddTelemetry();
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
