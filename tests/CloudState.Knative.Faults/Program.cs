using System.Runtime.InteropServices;
using CloudState.Knative.Faults.Effects;
using CloudState.Knative.Faults.Events;
using CloudState.Knative.Faults.Hostile;
using CloudState.Knative.Faults.Replicas;
using CloudState.Knative.Faults.Timers;
using CloudState.Knative.Faults.Upgrade;

namespace CloudState.Knative.Faults;

/// <summary>The fault suite, and, as <c>pod</c>, <c>wallets</c>, <c>numbers</c>, <c>alarms</c> or <c>replicas</c>, one process that it tests.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        switch (args)
        {
            case ["pod", .. var podArguments]:
                return await PodHost.RunAsync(podArguments);
            case ["wallets", .. var walletArguments]:
                return await WalletPod.RunAsync(walletArguments);
            case [NumberPod.Role, .. var numberArguments]:
                return await NumberPod.RunAsync(numberArguments);
            case [AlarmPod.Role, .. var alarmArguments]:
                return await AlarmPod.RunAsync(alarmArguments);
            case [ReplicaPod.Role, .. var replicaArguments]:
                return await ReplicaPod.RunAsync(replicaArguments);
        }

        args = args is ["run", .. var runArguments] ? runArguments : args;
        Func<CancellationToken, Task<int>> run;
        try
        {
            run = args switch
            {
                ["--effect-kills", .. var kills] => cancelled => EffectKills.RunAsync(kills, cancelled),
                ["--events", ..] => new EventRun(EventRunOptions.Parse(args)).RunAsync,
                ["--timers", ..] => new TimerRun(TimerRunOptions.Parse(args)).RunAsync,
                ["--crdt", ..] => new CrdtRun(CrdtRunOptions.Parse(args)).RunAsync,
                ["--hostile", .. var hostile] => new HostileRun(HostileOptions.Parse(hostile)).RunAsync,
                ["--upgrade", .. var upgrade] => new UpgradeRun(UpgradeOptions.Parse(upgrade)).RunAsync,
                _ => new FaultRun(RunOptions.Parse(args)).RunAsync,
            };
        }
        catch (FormatException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            Console.Error.WriteLine(args switch
            {
                ["--events", ..] => EventRunOptions.Usage,
                ["--timers", ..] => TimerRunOptions.Usage,
                ["--crdt", ..] => CrdtRunOptions.Usage,
                ["--hostile", ..] => HostileOptions.Usage,
                ["--upgrade", ..] => UpgradeOptions.Usage,
                _ => RunOptions.Usage,
            });
            return 2;
        }

        using var stopped = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await run(stopped.Token);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            Console.Error.WriteLine("Stopped; nothing was decided.");
            return 130;
        }
        catch (Exception broken) when (broken is not OperationCanceledException)
        {
            Console.Error.WriteLine($"The run broke off: {broken}");
            return 3;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopped.Cancel();
        }
    }
}
