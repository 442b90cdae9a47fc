using System.Collections.Frozen;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Hosting;
using Grpc.Core;

namespace CloudState.Knative.Runtime;

/// <summary>Executes commands on the entities of this process.</summary>
internal sealed class EntityRuntime : IAsyncDisposable
{
    private readonly FrozenDictionary<string, ActivationTable> _tables;
    private readonly Journal _journal;
    private readonly CloudStateOptions _options;
    private readonly TimeProvider _time;

    public EntityRuntime(IReadOnlyDictionary<string, ActivationTable> tables, Journal journal, CloudStateOptions options, TimeProvider time)
    {
        _tables = tables.ToFrozenDictionary();
        _journal = journal;
        _options = options;
        _time = time;
        CloudStateTelemetry.ObserveActiveEntities(this);
    }

    public IEnumerable<KeyValuePair<string, ActivationTable>> Tables => _tables;

    /// <summary>Runs a command on its entity. Whatever happens, the outcome is a value.</summary>
    public async Task<CommandOutcome> ExecuteAsync(Command command)
    {
        using var measured = CloudStateTelemetry.StartCommand(command);
        var outcome = await EnqueueAndWaitAsync(command);
        measured.Outcome = outcome.Status.StatusCode;
        return outcome;
    }

    private async Task<CommandOutcome> EnqueueAndWaitAsync(Command command)
    {
        if (WhyNoKey(command) is { } reason)
        {
            return CommandOutcome.Failed(StatusCode.InvalidArgument, reason);
        }

        var now = _time.GetUtcNow();
        var deadline = command.Deadline ?? now + _options.CommandTimeout;
        if (deadline <= now)
        {
            return CommandOutcome.Failed(StatusCode.DeadlineExceeded, "The deadline of the call has passed before it began.");
        }

        if (_tables[command.Key.EntityType].Enqueue(command, deadline) is not { } pending)
        {
            return CommandOutcome.Failed(StatusCode.ResourceExhausted, $"Too many commands wait for {command.Key}. Try again later.");
        }

        try
        {
            return await pending.Released.WaitAsync(deadline - now, _time, command.CallCancelled);
        }
        catch (TimeoutException)
        {
            pending.Abandon();
            return CommandOutcome.Failed(StatusCode.DeadlineExceeded, "The command did not finish in time. It is not known whether it took effect.");
        }
        catch (OperationCanceledException)
        {
            pending.Abandon();
            return CommandOutcome.Failed(StatusCode.Cancelled, "The caller has gone. It is not known whether the command took effect.");
        }
    }

    private string? WhyNoKey(Command command) => command.Key.EntityId switch
    {
        "" => $"The entity key of {command.Definition.Rpc.InputType.FullName} is empty. Set: {command.Definition.Key}.",
        { Length: var length } when length > _options.MaxEntityIdLength => $"The entity key has {length} characters; at most {_options.MaxEntityIdLength} are allowed.",
        var key when key.Contains('\0') => "The entity key holds a NUL character. Remove it.",
        _ => null,
    };

    /// <summary>Stores what has been decided and stops.</summary>
    public ValueTask DisposeAsync() => _journal.DisposeAsync();
}
