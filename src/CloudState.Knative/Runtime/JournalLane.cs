using System.Collections.Frozen;
using System.Diagnostics;
using System.Threading.Channels;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

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
internal sealed partial class JournalLane : IAsyncDisposable
{
    private readonly IEntityStore _store;
    private readonly FrozenDictionary<string, TypeJournal> _journals;
    private readonly StoreHealth _health;
    private readonly int _maxBatchSize;
    private readonly ILogger _logger;
    private readonly Channel<PendingAppend> _waiting = Channel.CreateUnbounded<PendingAppend>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writing;

    public JournalLane(IEntityStore store, FrozenDictionary<string, TypeJournal> journals, StoreHealth health, int maxBatchSize, ILogger logger)
    {
        _store = store;
        _journals = journals;
        _health = health;
        _maxBatchSize = maxBatchSize;
        _logger = logger;
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
                await WriteAsync([.. ofTenure.GroupBy(append => append.EntityId, (_, appends) => appends.ToList())]);
            }
        }
    }

    private async Task WriteAsync(List<List<PendingAppend>> entities)
    {
        // An incarnation that was discarded meanwhile takes its later appends with it.
        entities.ForEach(static appends => appends.RemoveAll(static append => append.Entity.IsDiscarded));
        entities.RemoveAll(static appends => appends.Count == 0);
        if (entities.Count == 0)
        {
            return;
        }

        var started = Stopwatch.GetTimestamp();
        TransactionJournal? journal = null;
        DateTimeOffset? storedAt;
        try
        {
            journal = await TransactionJournal.NumberAsync(entities, _journals);
            storedAt = await _store.AppendAsync(journal.Appends, entities[0][0].Tenure.MemberId, CancellationToken.None);
        }
        catch (StoreUnavailableException unavailable)
        {
            journal?.Forget();
            _health.ReportDown(unavailable);
            Fail(entities, unavailable);
            return;
        }
        catch (FencedException fenced)
        {
            CloudStateTelemetry.Fenced(entities.Sum(appends => appends.Count));
            entities[0][0].Tenure.End();
            Fail(entities, fenced);
            return;
        }
        catch (Exception) when (entities.Count > 1)
        {
            await WriteAsync(entities[..(entities.Count / 2)]);
            await WriteAsync(entities[(entities.Count / 2)..]);
            return;
        }
        catch (Exception failure) when (failure is not VersionConflictException && entities[0].Count > 1)
        {
            foreach (var append in entities[0])
            {
                await WriteAsync([[append]]);
            }

            return;
        }
        catch (UnstorableDataException unstorable) when (entities[0][0].WithoutSnapshot() is not null)
        {
            LogNoSnapshot(entities[0][0].EntityId, unstorable.Message);
            await WriteAsync([[entities[0][0].WithoutSnapshot()!]]);
            return;
        }
        catch (Exception failure)
        {
            // After a conflict the end of a slot may be elsewhere.
            journal?.Forget();
            Fail(entities, failure);
            return;
        }

        Measure(entities, Stopwatch.GetElapsedTime(started));
        journal.Commit(storedAt);
        foreach (var append in entities.SelectMany(appends => appends))
        {
            append.Pending.Activation.AppendSucceeded(append);
        }
    }

    /// <summary>Every command of a transaction gets a span of it.</summary>
    private static void Measure(List<List<PendingAppend>> stored, TimeSpan elapsed)
    {
        var commands = stored.Sum(appends => appends.Count);
        CloudStateTelemetry.Committed(commands, elapsed);
        foreach (var append in stored.SelectMany(appends => appends))
        {
            var change = append.Append.State as EventsChange;
            CloudStateTelemetry.Appended(
                append.EntityId.Type, append.EntityId.Key, change?.Events.Count ?? 0,
                change?.Snapshot?.State is IMessage state ? state.CalculateSize : null,
                commands, elapsed, append.Pending.Command.Trace);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "No snapshot of {Key} can be stored; it is loaded from its events. {Reason}", EventName = "NoSnapshot")]
    private partial void LogNoSnapshot(EntityId key, string reason);

    private static void Fail(List<List<PendingAppend>> entities, Exception failure)
    {
        foreach (var appends in entities)
        {
            appends[0].Pending.Activation.AppendFailed(appends[0], failure);
        }
    }
}
