using System.Runtime.InteropServices;
using CloudState.Knative.Faults.Effects;

namespace CloudState.Knative.Faults;

/// <summary>The fault suite, and, as <c>pod</c> or <c>wallets</c>, one process that it tests.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is ["pod", .. var podArguments])
        {
            return await PodHost.RunAsync(podArguments);
        }

        if (args is ["wallets", .. var walletArguments])
        {
            return await WalletPod.RunAsync(walletArguments);
        }

        string[]? effectKills;
        RunOptions options;
        try
        {
            args = args is ["run", .. var runArguments] ? runArguments : args;
            effectKills = args is ["--effect-kills", .. var kills] ? kills : null;
            options = effectKills is null ? RunOptions.Parse(args) : new RunOptions();
        }
        catch (FormatException wrong)
        {
            Console.Error.WriteLine(wrong.Message);
            Console.Error.WriteLine(RunOptions.Usage);
            return 2;
        }

        using var stopped = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return effectKills is null ? await new FaultRun(options).RunAsync(stopped.Token) : await EffectKills.RunAsync(effectKills, stopped.Token);
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
