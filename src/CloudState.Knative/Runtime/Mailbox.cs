using System.Diagnostics.CodeAnalysis;

namespace CloudState.Knative.Runtime;

/// <summary>
/// The commands that wait for their turn at an entity: first those that are run again, in the order of their arrival, then commands and polls of
/// streams by turns, so that a command waits for one poll at most, however many streams there are. Its activation guards it with its lock.
/// </summary>
internal sealed class Mailbox
{
    private readonly Queue<PendingCommand> _commands = new();
    private Queue<PendingCommand>? _polls;
    private PriorityQueue<PendingCommand, long>? _runAgain;
    private bool _isTurnOfPolls;

    public bool IsEmpty => _commands.Count == 0 && _polls is not { Count: > 0 } && _runAgain is not { Count: > 0 };

    public void Enqueue(PendingCommand pending)
    {
        if (pending.IsPoll)
        {
            (_polls ??= new()).Enqueue(pending);
        }
        else
        {
            _commands.Enqueue(pending);
        }
    }

    /// <summary>Puts back a command that has run in vain.</summary>
    public void RunAgain(PendingCommand pending) => (_runAgain ??= new()).Enqueue(pending, pending.Number);

    /// <summary>Whether a command is to be run again that arrived before this one.</summary>
    public bool RunsEarlierAgain(PendingCommand pending) => _runAgain is { } again && again.TryPeek(out _, out var earliest) && earliest <= pending.Number;

    public bool TryTake([NotNullWhen(true)] out PendingCommand? next)
    {
        next = null;
        if (_runAgain?.TryDequeue(out next, out _) == true)
        {
            return true;
        }

        _isTurnOfPolls = !_isTurnOfPolls;
        return _isTurnOfPolls
            ? _polls?.TryDequeue(out next) == true || _commands.TryDequeue(out next)
            : _commands.TryDequeue(out next) || _polls?.TryDequeue(out next) == true;
    }
}
