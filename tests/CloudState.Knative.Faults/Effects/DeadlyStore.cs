using System.Diagnostics;
using CloudState.Knative.Storage;

namespace CloudState.Knative.Faults.Effects;

/// <summary>Where a pod kills itself with SIGKILL, right after a commit and before anybody hears of it.</summary>
internal enum Deadly
{
    Nowhere,

    /// <summary>Once calls are stored: none of them has been made.</summary>
    AfterSending,

    /// <summary>Once a call has taken effect: it has not been removed from the outbox.</summary>
    AfterReceiving,
}

/// <summary>A store that does not survive the commit that it was told.</summary>
internal sealed class DeadlyStore(IEntityStore store, Deadly where) : DecoratedStore(store)
{
    public override async Task<DateTimeOffset?> AppendAsync(IReadOnlyList<EntityAppend> batch, Guid? memberId, CancellationToken cancellationToken)
    {
        var time = await base.AppendAsync(batch, memberId, cancellationToken);
        var isHere = where switch
        {
            Deadly.AfterSending => batch.Any(append => append.Outbox.Count > 0),
            Deadly.AfterReceiving => batch.Any(append => append.State is EventsChange change && change.Events.Any(stored => stored is Received)),
            _ => false,
        };
        if (isHere)
        {
            Process.GetCurrentProcess().Kill();
        }

        return time;
    }
}
