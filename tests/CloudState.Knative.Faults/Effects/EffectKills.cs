using System.Globalization;
using CloudState.Knative.Faults.Cluster;
using Grpc.Core;

namespace CloudState.Knative.Faults.Effects;

/// <summary>
/// Kills pods with SIGKILL between the commit that stores an effect and the execution of the effect, one pod after another, and sometimes between the execution and its removal
/// from the outbox. At the end every effect must have taken effect exactly once.
/// </summary>
/// <remarks>
/// Each pod first makes what its predecessors have left. Then one sending is committed in it, and it kills itself before anybody hears of that: the caller sees a broken connection, and sends the same
/// again, with the same id, to the next pod.
/// </remarks>
internal static class EffectKills
{
    public const string Usage = "Usage: bash tests/faults.sh --effect-kills N [--store embedded|postgres]";

    private const string Sender = "sender";
    private const string Receiver = "receiver";

    // Every so many pods one dies after receiving instead.
    private const int ReceivingPeriod = 8;

    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        if (args is not [var count, ..] || !int.TryParse(count, CultureInfo.InvariantCulture, out var kills) || kills < 1 || args[1..] is not ([] or ["--store", "embedded" or "postgres"]))
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        var settings = await SettingsAsync(args.Contains("postgres"));
        var (afterSending, afterReceiving) = (0, 0);
        for (var number = 1; afterSending < kills; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await using (var sending = await WalletPod.StartAsync(Deadly.AfterSending, settings))
            {
                await sending.ReceivedAsync(Receiver, number - 1);
                await SendAsync(sending, number);
                afterSending += await sending.KilledAsync() ? 1 : throw new InvalidOperationException("The pod ended otherwise.");
            }

            if (number % ReceivingPeriod == 0)
            {
                await using var receiving = await WalletPod.StartAsync(Deadly.AfterReceiving, settings);
                afterReceiving += await receiving.KilledAsync() ? 1 : throw new InvalidOperationException("The pod ended otherwise.");
            }

            if (number % 50 == 0)
            {
                Console.WriteLine($"{afterSending + afterReceiving} kills");
            }
        }

        await using var last = await WalletPod.StartAsync(Deadly.Nowhere, settings);
        await SendAsync(last, kills);
        var wallet = await last.ReceivedAsync(Receiver, kills);
        var repeated = wallet.Received.Count - wallet.Received.Distinct().Count();
        var lost = Enumerable.Range(1, kills).Except(wallet.Received).Count();
        Console.WriteLine($"{afterSending} kills between commit and execution, {afterReceiving} between execution and removal; {kills} effects: {lost} lost, {repeated} repeated");
        return lost + repeated == 0 && wallet.Received.Count == kills ? 0 : 1;
    }

    private static async Task SendAsync(WalletPod pod, int number)
    {
        try
        {
            await pod.Wallets.SendAsync(
                new Sending { Wallet = Sender, To = Receiver, Number = number }, new Metadata { { "idempotency-key", $"sending {number}" } }, DateTime.UtcNow.AddSeconds(30));
        }
        catch (RpcException killed) when (killed.StatusCode == StatusCode.Unavailable)
        {
        }
    }

    private static async Task<IReadOnlyDictionary<string, string>> SettingsAsync(bool onPostgres)
    {
        var work = Environment.GetEnvironmentVariable("CLOUDSTATE_FAULTS_WORK") ?? throw new InvalidOperationException(Usage);
        if (!onPostgres)
        {
            return new Dictionary<string, string> { ["CloudState__Sqlite__Path"] = Path.Combine(work, "wallets.db") };
        }

        var postgres = new PostgresServer();
        var pods = new PodSettings(Path.Combine(work, "pods"), postgres, TimeSpan.FromSeconds(1), Sabotage: null);
        Directory.CreateDirectory(pods.Folder);
        await pods.MigrateAsync();
        return new Dictionary<string, string>
        {
            ["ConnectionStrings__CloudState"] = postgres.ConnectionString,
            ["CloudState__Cluster__Port"] = "0",
            ["CloudState__Cluster__Address"] = "127.0.0.1",

            // The next pod waits for the lease of the one that was killed.
            ["CloudState__Cluster__Lease"] = "00:00:00.500",
            ["CloudState__Cluster__Renewal"] = "00:00:00.100",
            ["CloudState__Cluster__Margin"] = "00:00:00.100",
        };
    }
}
