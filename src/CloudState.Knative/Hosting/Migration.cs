using CloudState.Knative.Storage;

namespace CloudState.Knative.Hosting;

/// <summary>What <c>--migrate</c> does: waits for the store, since a database is often started beside the Job, and brings its schema up to date.</summary>
internal static class Migration
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <returns>The exit code of the process.</returns>
    public static async Task<int> RunAsync(IEntityStore store, TimeSpan timeout, TimeProvider time)
    {
        var started = time.GetTimestamp();
        for (var pause = FirstPause; ; pause = pause < LongestPause / 2 ? pause * 2 : LongestPause)
        {
            try
            {
                Console.WriteLine(await store.MigrateAsync(CancellationToken.None) ? "The schema has been created or upgraded." : "The schema is up to date.");
                return 0;
            }
            catch (StoreUnavailableException unavailable)
            {
                if (unavailable.NeedsOperator || time.GetElapsedTime(started) + pause > timeout)
                {
                    Console.Error.WriteLine(
                        $"The schema could not be migrated{(unavailable.NeedsOperator ? "" : $" within {timeout}")}: {unavailable.Message}");
                    return 1;
                }

                if (pause == FirstPause)
                {
                    Console.WriteLine(
                        $"Waiting for the store, for up to {timeout} (CloudState__{nameof(CloudStateOptions.MigrateTimeout)}): {unavailable.Message}");
                }
            }

            await Task.Delay(pause, time);
        }
    }
}
