using System.Collections.Concurrent;
using CloudState.Knative.FunctionalTests.Hosting;
using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Journal;

/// <summary>Lets tests see which events arrive where, and refuse them.</summary>
public sealed class ShopEvents
{
    private readonly ConcurrentQueue<Arrival> _arrived = new();
    private volatile TaskCompletionSource _changed = New();

    public IReadOnlyList<Arrival> Arrived => [.. _arrived];

    /// <summary>How an arrival is refused; null when it is not.</summary>
    public Func<Arrival, StatusCode?> Refuse { get; set; } = _ => null;

    public Task ArriveAsync(string handler, CallContext context, string? order = null)
    {
        var arrival = new Arrival(handler, order ?? context.Metadata.CloudEvent?.Subject, context.Metadata.CloudEvent, context.CommandId);
        var refusal = Refuse(arrival);
        _arrived.Enqueue(arrival);
        Interlocked.Exchange(ref _changed, New()).TrySetResult();
        return refusal is { } status ? throw context.Fail("Refused by the test.", status) : Task.CompletedTask;
    }

    /// <summary>Waits until so many have arrived that a condition holds for, and returns them.</summary>
    public async Task<IReadOnlyList<Arrival>> UntilAsync(int count, Func<Arrival, bool> condition)
    {
        while (true)
        {
            var changed = _changed.Task;
            if (Arrived.Where(condition).ToArray() is var found && found.Length >= count)
            {
                return found;
            }

            await changed.WaitAsync(TestService.Patience);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

public sealed record Arrival(string Handler, string? Order, CloudEventMetadata? Event, string? CommandId);
