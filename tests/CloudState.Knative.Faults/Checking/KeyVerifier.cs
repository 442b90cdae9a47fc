using System.Threading.Channels;
using CloudState.Knative.Faults.Load;

namespace CloudState.Knative.Faults.Checking;

/// <summary>Verifies one complete history after the other while the load goes on, and forgets those that are right.</summary>
internal sealed class KeyVerifier(StoredStream streams, AnomalyReport anomalies, long runStarted)
{
    private readonly Channel<KeyHistory> _histories = Channel.CreateUnbounded<KeyHistory>();

    public int Verified { get; private set; }

    public void Add(KeyHistory history) => _histories.Writer.TryWrite(history);

    public void Complete() => _histories.Writer.Complete();

    /// <summary>Returns after <see cref="Complete"/>, when everything is verified.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var broken = new HashSet<string>();
        await foreach (var history in _histories.Reader.ReadAllAsync(cancellationToken))
        {
            if (!await VerifyAsync(history, cancellationToken))
            {
                broken.Add(StoredStream.NameOf(history.Key));
            }

            Verified++;
        }

        foreach (var stream in (await streams.FindBrokenAsync(cancellationToken)).Where(stream => !broken.Contains(stream)))
        {
            await anomalies.AddAsync($"stream '{stream}' was broken by a repeated or late command after the cart was verified");
        }
    }

    private async Task<bool> VerifyAsync(KeyHistory history, CancellationToken cancellationToken)
    {
        var events = await streams.ReadAsync(history.Key, cancellationToken);
        var differences = StreamComparison.Differences(history.Operations, events).ToArray();
        if (differences.Length > 0)
        {
            foreach (var difference in differences)
            {
                await anomalies.AddAsync($"{history.Key}: {difference}");
            }

            return false;
        }

        int[] finalItems = [.. events.Select(stored => CartItems.NumberOf(stored.Item))];
        if (CartVerification.Check(history.Operations, finalItems) is not { } failure)
        {
            return true;
        }

        var verdict = failure.Result.Verdict == LinearizabilityVerdict.Undecided ? "undecided, too many steps" : "not linearizable";
        await anomalies.AddAsync(
            $"{history.Key}: {verdict} ({history.Operations.Count} operations)",
            Extract.Of(failure.Result, failure.Operations, finalItems, runStarted),
            failure.Result.Stuck >= 0 && failure.Result.Stuck < failure.Operations.Count ? failure.Operations[failure.Result.Stuck].Completed : null);
        return false;
    }
}
