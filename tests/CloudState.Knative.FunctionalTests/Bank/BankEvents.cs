using System.Collections.Concurrent;
using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Bank;

/// <summary>Lets tests see what arrives, hold it up and refuse it.</summary>
public sealed class BankEvents
{
    private readonly ConcurrentQueue<(DepositMoney Deposit, string? CommandId)> _arrived = new();
    private readonly TaskCompletionSource _payment = New();
    private TaskCompletionSource _open = Completed();
    private volatile TaskCompletionSource _changed = New();

    /// <summary>How many deposits are refused before one gets through.</summary>
    public int Refusals { get; set; }

    public StatusCode RefuseWith { get; set; } = StatusCode.Unavailable;

    public IReadOnlyList<(DepositMoney Deposit, string? CommandId)> Arrived => [.. _arrived];

    public void PaymentArrived() => _payment.TrySetResult();

    public Task PaymentAsync() => _payment.Task.WaitAsync(Hosting.TestService.Patience);

    public void Close() => _open = New();

    public void Open() => _open.TrySetResult();

    public Task GateAsync(CancellationToken cancellation) => _open.Task.WaitAsync(cancellation);

    public async Task ArriveAsync(DepositMoney deposit, CommandContext context)
    {
        _arrived.Enqueue((deposit, context.CommandId));
        Interlocked.Exchange(ref _changed, New()).TrySetResult();
        await GateAsync(context.CancellationToken);
        if (Refusals > 0)
        {
            Refusals--;
            context.Fail("Refused by the test.", RefuseWith);
        }
    }

    /// <summary>Waits for something to arrive that makes the condition true.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<(DepositMoney Deposit, string? CommandId)>, bool> condition)
    {
        while (true)
        {
            var changed = _changed.Task;
            if (condition(Arrived))
            {
                return;
            }

            await changed.WaitAsync(Hosting.TestService.Patience);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TaskCompletionSource Completed()
    {
        var completed = New();
        completed.SetResult();
        return completed;
    }
}
