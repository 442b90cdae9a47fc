using System.Diagnostics;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Outbox;
using CloudState.Knative.Remote;
using CloudState.Knative.Routing;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.Topics;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Dispatch;

/// <summary>
/// Calls the rpcs of this service, whoever answers them, an entity or an action; and does what their handlers ask for beside the reply, once that is stored: first the synchronous effects, in order, then the forward.
/// </summary>
internal sealed class ServiceCalls(
    EntityDefinitions entities, ActionDefinitions actions, CommandRouter router, ActionRunner runner, RemoteServices remote, OwnedOutbox outbox, TopicEvents publications, TopicSinks sinks,
    DeliveryOptions options)
{
    private readonly DetachedTasks _detached = new();

    /// <summary>Completes when all effects that nobody waits for, and that are not stored, are done.</summary>
    public Task Detached => _detached.AllEnded;

    /// <summary>Executes a command that an edge has made. Whatever happens, the outcome is a value.</summary>
    public ValueTask<CallOutcome> ExecuteAsync(Command command) => FinishAsync(router.ExecuteAsync(command), static command => CallScope.Of(command), command);

    /// <summary>Executes a command that another pod has forwarded; <see cref="CallOutcome.NotOwner"/> when it should not have come here.</summary>
    public ValueTask<CallOutcome> ExecuteForwardedAsync(Command command) => FinishAsync(router.ExecuteForwardedAsync(command), static command => CallScope.Of(command), command);

    /// <summary>Calls an action whose reply is one message.</summary>
    public ValueTask<CallOutcome> ExecuteAsync(ActionRegistration action, ActionMethod method, object input, CallScope scope) =>
        method.OutTopic is { } topic ? ExecuteAndPublishAsync(action, method, input, topic, scope) : FinishAsync(runner.RunAsync(action, method, input, scope), static scope => scope, scope);

    /// <summary>An action has no transaction that could keep its reply until it is published: that is done before the caller hears of it, and the caller tries again when it fails.</summary>
    private async ValueTask<CallOutcome> ExecuteAndPublishAsync(ActionRegistration action, ActionMethod method, object input, string topic, CallScope scope)
    {
        var id = scope.CommandId ?? Guid.CreateVersion7().ToString("N");
        var run = await runner.RunAsync(action, method, input, scope);
        var outcome = run.FollowUp is null ? run : await CompleteAsync(run, scope);
        if (run.Reply is null || outcome.Status.StatusCode != StatusCode.OK
            || publications.OfReply(method.Rpc, topic, run.Reply, id, scope.Metadata.CloudEvent?.Subject, run.Metadata, scope.Trace) is not { } published)
        {
            return outcome;
        }

        var result = await sinks.PublishAsync(topic, published, scope.CallCancelled);
        return result.Status.StatusCode == StatusCode.OK
            ? outcome
            : CallOutcome.Failed(result.Status.StatusCode, $"{method.FullName} has run, but its reply could not be published: {result.Status.Detail}") with { RetryAfter = result.RetryAfter };
    }

    /// <summary>Does what is left of an outcome; it stands only if that works.</summary>
    public async ValueTask<CallOutcome> CompleteAsync(CallOutcome outcome, CallScope scope)
    {
        var followUp = outcome.FollowUp!;
        var inner = scope.Deeper();
        CallOutcome? failed = null;
        foreach (var effect in followUp.Effects)
        {
            if (!effect.IsSynchronous)
            {
                Detach(effect, inner);
            }
            else if (await MakeAsync(effect, inner) is { Status.StatusCode: not StatusCode.OK } failure)
            {
                failed ??= CallOutcome.Failed(failure.Status.StatusCode, $"The call took effect, but its effect {effect.Call.Method} did not: {failure.Status.Detail}");
            }
        }

        return outcome.Status.StatusCode != StatusCode.OK ? outcome with { FollowUp = null }
            : failed is not null ? failed.Value
            : followUp.Forward is { } forward ? await CallAsync(WithMetadataOf(scope, forward.Call), forward.Id, inner)
            : outcome with { FollowUp = null };
    }

    /// <summary>What came with the call goes along with its forward. It is never stored: there may be secrets in it.</summary>
    private static OutgoingCall WithMetadataOf(CallScope scope, OutgoingCall forward) =>
        forward with { Metadata = forward.Metadata.FollowedBy(scope.Metadata.WithoutCommandId()) };

    private ValueTask<CallOutcome> FinishAsync<T>(ValueTask<CallOutcome> execution, Func<T, CallScope> scopeOf, T call)
    {
        if (!execution.IsCompletedSuccessfully)
        {
            return AwaitAsync(execution, scopeOf, call);
        }

        var outcome = execution.Result;
        return outcome.FollowUp is null ? new(outcome) : CompleteAsync(outcome, scopeOf(call));
    }

    private async ValueTask<CallOutcome> AwaitAsync<T>(ValueTask<CallOutcome> execution, Func<T, CallScope> scopeOf, T call)
    {
        var outcome = await execution;
        return outcome.FollowUp is null ? outcome : await CompleteAsync(outcome, scopeOf(call));
    }

    /// <summary>Calls an rpc by its name.</summary>
    /// <param name="call">The rpc and its input.</param>
    /// <param name="id">Under which the call takes effect once.</param>
    /// <param name="scope">What has led to it.</param>
    public ValueTask<CallOutcome> CallAsync(OutgoingCall call, string id, CallScope scope)
    {
        if (scope.Depth > options.MaxDepth)
        {
            return new(CallOutcome.Failed(
                StatusCode.FailedPrecondition, $"More than {options.MaxDepth} calls have led to {call.Method}, each made for the one before it. Break the loop, or raise CloudState:Delivery:MaxDepth."));
        }

        try
        {
            return entities.Find(call.Method) is var (entity, command) ? ExecuteAsync(ToCommand(entity, command, call, id, scope))
                : actions.Find(call.Method) is var (action, method) ? ExecuteAsync(action, method, method.Rpc.InputType.Parser.ParseFrom(call.Message), scope with { CommandId = id, Metadata = call.Metadata })
                : remote.Find(call.Method) is { } service ? service.CallAsync(call, id, scope)
                : new(CallOutcome.Failed(StatusCode.Unimplemented, $"This service has no rpc {call.Method}, and no client is registered for it."));
        }
        catch (InvalidProtocolBufferException unreadable)
        {
            return new(CallOutcome.Failed(StatusCode.InvalidArgument, $"The input of {call.Method} cannot be read: {unreadable.Message}"));
        }
    }

    /// <summary>Makes a call that somebody waits for. If its outcome is open when he stops waiting, and it is stored, it is made in the background.</summary>
    private async ValueTask<CallOutcome> MakeAsync(PlannedCall effect, CallScope scope)
    {
        var outcome = await CallAsync(effect.Call, effect.Id, scope);
        if (effect.Stored is { } stored)
        {
            if (outcome.Status.StatusCode.IsTransient())
            {
                outbox.Add([stored.Entry], stored.Slot);
            }
            else
            {
                outbox.Complete(stored.Entry.Id);
            }
        }

        return outcome;
    }

    private void Detach(PlannedCall effect, CallScope scope) =>
        _detached.Add(Task.Run(async () => await CallAsync(effect.Call, effect.Id, scope with { Deadline = null, CallCancelled = CancellationToken.None })));

    private static Command ToCommand(EntityDefinition entity, CommandDefinition definition, OutgoingCall call, string id, CallScope scope)
    {
        var message = definition.Rpc.InputType.Parser.ParseFrom(call.Message);
        return new Command
        {
            Definition = definition,
            Entity = new EntityId(entity.EntityType, definition.Key.Read(message)),
            Message = message,
            Metadata = call.Metadata,
            CommandId = id,
            Depth = scope.Depth,
            Order = scope.Order,
            Deadline = scope.Deadline,
            CallCancelled = scope.CallCancelled,
            Trace = scope.Trace,
        };
    }
}

/// <summary>What a call hands on to those that it leads to.</summary>
internal sealed record CallScope
{
    public string? CommandId { get; init; }

    public CallMetadata Metadata { get; init; } = CallMetadata.Empty;

    public int Depth { get; init; }

    /// <summary>The place of the call in an order that is to be kept; null when there is none.</summary>
    public EventOrder? Order { get; init; }

    /// <summary>When the caller stops waiting; null when it did not say.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public ActivityContext Trace { get; init; }

    public CancellationToken CallCancelled { get; init; }

    public static CallScope Of(Command command) => new()
    {
        CommandId = command.CommandId,
        Metadata = command.Metadata,
        Depth = command.Depth,
        Deadline = command.Deadline,
        Trace = command.Trace,
        CallCancelled = command.CallCancelled,
    };

    public CallScope Deeper() => this with { Depth = Depth + 1, Order = null };
}
