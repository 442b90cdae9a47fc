using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CloudState.Knative.Faults.Timers;

/// <summary>The service with alarms: this program as <c>alarms</c>.</summary>
internal static class AlarmPod
{
    public const string Role = "alarms";

    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddCloudState().AddEntity<AlarmEntity>().UseMarten();
        var app = builder.Build();
        app.UseCloudState();
        app.MapCloudState();
        return await app.RunCloudStateAsync(args);
    }
}
