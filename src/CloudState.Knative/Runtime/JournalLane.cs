using System.Collections.Frozen;
using System.Diagnostics;
using System.Threading.Channels;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Runtime;

/// <summary>
/// Group commit: while one transaction is in flight the next batch forms, and it is written as soon as the previous one has
/// left. No timer, so no latency is added when idle.
/// </summary>
/// <remarks>
/// Example: carts a, b and c each have a command while a transaction runs. The three become one transaction. If b's expected
/// version is wrong, the store refuses all three; the batch is halved until b stands alone: a and c are stored, b alone fails.
/// Several appends of one entity become one append; when that fails for what it holds, they are written one by one, and those
/// behind the guilty one are dropped with its <see cref="LoadedEntity"/>, because they were decided on a state that never was.
/// </remarks>
internal sealed class JournalLane : IAsyncDisposable
{
    private readonly IEntityStore _store;
    private readonly FrozenDictionary<string, TypeJournal> _journals;
    private readonly StoreHealth _health;
    private readonly int _maxBatchSize;
    private readonly Channel<PendingAppend> _waiting = Channel.CreateUnbounded<PendingAppend>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writing;

    public JournalLane(IEntityStore store, FrozenDictionary<string, TypeJournal> journals, StoreHealth health, int maxBatchSize)
    {
        _store = store;
        _journals = journals;
        _health = health;
        _maxBatchSize = maxBatchSize;
        _writing = WriteAllAsync();
    }

    public void Append(PendingAppend append)
    {
        if (!_waiting.Writer.TryWrite(append))
        {
            append.Pending.Activation.AppendFailed(append, new StoreUnavailableException("This process is shutting down."));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _writing;
    }

    private async Task WriteAllAsync()
    {
        var batch = new List<PendingAppend>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            // Whatever this process has to do already may bring more for the batch: it goes first. When there is nothing, this takes no time.
            await Task.Yield();
            batch.Clear();
            while (batch.Count < _maxBatchSize && _waiting.Reader.TryRead(out var append))
            {
                batch.Add(append);
            }

            // One tenure per transaction: the store checks that it is not over.
            foreach (var ofTenure in batch.GroupBy(append => append.Tenure))
            {
                await WriteAsync(ofTenure.GroupBy(append => append.EntityId).Select(group => group.ToArray()).ToArray());
            }
        }
    }

    private async Task WriteAsync(ArraySegment<PendingAppend[]> groups)
    {
        // An incarnation that was discarded meanwhile takes its later appends with it.
        ArraySegment<PendingAppend[]> alive = groups
            .Select(group => Array.FindAll(group, append => !append.Entity.IsDiscarded))
            .Where(group => group.Length > 0)
            .ToArray();
        if (alive.Count == 0)
        {
            return;
        }

        var started = Stopwatch.GetTimestamp();
        TransactionJournal? journal = null;
        DateTimeOffset? storedAt;
        try
        {
            journal = await TransactionJournal.NumberAsync(alive, _journals);
            storedAt = await _store.AppendAsync(journal.Appends, alive[0][0].Tenure.MemberId, CancellationToken.None);
        }
        catch (StoreUnavailableException unavailable)
        {
            journal?.Forget();
            _health.ReportDown(unavailable);
            Fail(alive, unavailable);
            return;
        }
        catch (FencedException fenced)
        {
            CloudStateTelemetry.Fenced(alive.Sum(group => group.Length));
            alive[0][0].Tenure.End();
            Fail(alive, fenced);
            return;
        }
        catch (Exception) when (alive.Count > 1)
        {
            await WriteAsync(alive[..(alive.Count / 2)]);
            await WriteAsync(alive[(alive.Count / 2)..]);
            return;
        }
        catch (Exception failure) when (failure is not VersionConflictException && alive[0].Length > 1)
        {
            foreach (var append in alive[0])
            {
                await WriteAsync(new[] { new[] { append } });
            }

            return;
        }
        catch (Exception failure)
        {
            // After a conflict the end of a slot may be elsewhere.
            journal?.Forget();
            Fail(alive, failure);
            return;
        }

        Measure(alive, Stopwatch.GetElapsedTime(started));
        journal.Commit(storedAt);
        foreach (var append in alive.SelectMany(group => group))
        {
            append.Pending.Activation.AppendSucceeded(append);
        }
    }

    /// <summary>Every command of a transaction gets a span of it.</summary>
    private static void Measure(ArraySegment<PendingAppend[]> stored, TimeSpan elapsed)
    {
        var commands = stored.Sum(group => group.Length);
        CloudStateTelemetry.Committed(commands, elapsed);
        foreach (var append in stored.SelectMany(group => group))
        {
            var change = append.Append.State as EventsChange;
            CloudStateTelemetry.Appended(
                append.EntityId.Type, append.EntityId.Key, change?.Events.Count ?? 0,
                change?.Snapshot?.State is IMessage state ? state.CalculateSize : null,
                commands, elapsed, append.Pending.Command.Trace);
        }
    }

    private static void Fail(ArraySegment<PendingAppend[]> groups, Exception failure)
    {
        foreach (var group in groups)
        {
            group[0].Pending.Activation.AppendFailed(group[0], failure);
        }
    }
}
