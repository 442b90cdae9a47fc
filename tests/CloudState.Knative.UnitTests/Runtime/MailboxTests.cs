using CloudState.Knative.Runtime;
using CloudState.Knative.UnitTests.Routing;

namespace CloudState.Knative.UnitTests.Runtime;

public sealed class MailboxTests
{
    private readonly Mailbox _mailbox = new();
    private long _arrivals;

    [Fact]
    public void CommandsAndPolls_TakeTurns()
    {
        var (polls, commands) = (Enqueue(3, isPoll: true), Enqueue(2, isPoll: false));

        Assert.Equal([polls[0], commands[0], polls[1], commands[1], polls[2]], TakeAll());
    }

    [Fact]
    public void WhatIsRunAgain_ComesFirst_InTheOrderOfItsArrival()
    {
        var waiting = Enqueue(1, isPoll: false);
        var again = new[] { Pending(isPoll: false), Pending(isPoll: false) };
        _mailbox.RunAgain(again[1]);
        _mailbox.RunAgain(again[0]);

        Assert.False(_mailbox.RunsEarlierAgain(waiting[0]));
        Assert.True(_mailbox.RunsEarlierAgain(Pending(isPoll: false)));
        Assert.Equal([again[0], again[1], waiting[0]], TakeAll());
        Assert.True(_mailbox.IsEmpty);
    }

    private PendingCommand[] Enqueue(int count, bool isPoll)
    {
        var pending = Enumerable.Range(0, count).Select(_ => Pending(isPoll)).ToArray();
        Array.ForEach(pending, _mailbox.Enqueue);
        return pending;
    }

    private List<PendingCommand> TakeAll()
    {
        var taken = new List<PendingCommand>();
        while (_mailbox.TryTake(out var next))
        {
            taken.Add(next);
        }

        return taken;
    }

    private PendingCommand Pending(bool isPoll) => new(null!, WatchedCounter.CommandOf(isPoll ? "Watch" : "Read"), home: null!, _arrivals++, DateTimeOffset.MaxValue);
}
