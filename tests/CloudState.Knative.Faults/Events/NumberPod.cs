using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Faults.Events;

/// <summary>The service that numbers go through: this program as <c>numbers</c>.</summary>
internal static class NumberPod
{
    public const string Role = "numbers";

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddCloudState().AddEntity<CounterEntity>().AddEntity<PlainCounterEntity>().AddAction<RelayAction>().UseMarten();
        var app = builder.Build();
        app.UseCloudState();
        app.MapCloudState();
        return await app.RunCloudStateAsync(args);
    }
}
