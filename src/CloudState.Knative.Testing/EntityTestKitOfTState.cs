using CloudState.Knative.Calls;
using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.Testing;

/// <summary>
/// Runs the commands of one entity, one after another on the same instance, as the runtime does; what they store becomes JSON and is read back on the way.
/// </summary>
/// <typeparam name="TState">The state of the entity.</typeparam>
public abstract class EntityTestKit<TState>
    where TState : class, new()
{
    private readonly HashSet<string> _commandIds = [];
    private readonly HashSet<IMessage> _streams = [];
    private string? _key;
    private EntityInstance _entity;

    private protected EntityTestKit(EntityUnderTest entity, string? key)
    {
        Entity = entity;
        Store = new TestStore(entity.Types);
        _key = key;
        _entity = Load();
    }

    /// <summary>The current state. A protobuf message is a copy; an object of another class, and a replicated value, may be the entity's own.</summary>
    public TState State => ReadState(((ClassInstance)_entity).Entity);

    private protected EntityUnderTest Entity { get; }

    private protected TestStore Store { get; }

    /// <summary>
    /// Runs a command. What its handler throws comes out here; the entity is then as it was before. A message for a streaming rpc asks for the first reply of a stream, the same message again for
    /// a later one.
    /// </summary>
    /// <param name="command">The input of the rpc.</param>
    /// <param name="handler">The name of the handler, for example <c>nameof(ShoppingCartEntity.AddItem)</c>; it may be left out when one rpc only takes such a command.</param>
    /// <param name="call">What comes with the command; the default is nothing.</param>
    /// <exception cref="TestKitException">There is no such handler; the command is for another entity, or has the command id of an earlier one; or what the handler has done could not be stored and loaded again.</exception>
    public Task<CommandResult<TState>> WhenAsync(IMessage command, string? handler = null, TestCall? call = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        var definition = FindHandler(command, handler);
        return RunAsync(definition, command, call, definition.IsStreaming ? new ReplyStream(isFirst: _streams.Add(command)) : null);
    }

    /// <summary>Runs the handler of the end of a stream: its caller has left.</summary>
    /// <param name="command">The input of the streaming rpc.</param>
    /// <param name="handler">The name of the streaming rpc's handler; it may be left out when one rpc only takes such a command.</param>
    /// <param name="call">What came with the call of the stream; the default is nothing.</param>
    /// <exception cref="TestKitException">There is no such handler; or as <see cref="WhenAsync"/>.</exception>
    public Task<CommandResult<TState>> WhenCallerLeavesAsync(IMessage command, string? handler = null, TestCall? call = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        var definition = FindHandler(command, handler);
        _streams.Remove(command);
        return definition.StreamEnd is { } end
            ? RunAsync(end, command, call, stream: null)
            : throw new TestKitException($"{Entity.Definition.EntityClass.Name} has no method {definition.Rpc.Name}{CommandDefinition.EndedSuffix}, which would be called when a caller leaves the stream.");
    }

    private async Task<CommandResult<TState>> RunAsync(CommandDefinition definition, IMessage command, TestCall? call, ReplyStream? stream)
    {
        call ??= TestCall.Plain;
        var key = ReadKey(definition, command);
        RejectUsedId(call.CommandId);

        var (entity, before) = (_entity, Store.Read());
        var context = new CommandContext(definition.Rpc, entity, CallTargets.All, key, call.CommandId, call.ToMetadata(), () => call.CancellationToken, stream);
        entity.Begin(context, DateTimeOffset.UnixEpoch);
        var (reply, isKept) = (default(IMessage), false);
        try
        {
            // As it comes over the wire: no other code holds it.
            reply = await definition.Handler(entity, command.Descriptor.Parser.ParseFrom(command.ToByteArray()), context);
            definition.CheckAnswer(reply, context);
            isKept = context.Failure is null || !context.HasChanges;
        }
        catch (Exception thrown) when (context.IsRejectedBy(thrown))
        {
            // The handler has rejected the command; no later exception replaces that.
            isKept = !context.HasChanges;
        }
        finally
        {
            context.Close();
            if (!isKept)
            {
                _entity = Load();
            }
        }

        if (context.Failure is null)
        {
            CheckHandled(definition.HandlerName, ((ClassInstance)entity).Entity);
        }

        RememberId(call.CommandId, context);
        var change = context.Failure is null ? entity.Advance(DateTimeOffset.UnixEpoch) : entity.Unchanged;
        Store.Append(change);
        IReadOnlyList<object> events = change is EventsChange eventsChange ? eventsChange.Events : [];
        if (isKept)
        {
            Check(definition.HandlerName, ((ClassInstance)entity).Entity, before, events);
        }

        var answer = new ActionAnswer(reply, context.Failure is null ? context.Effects : [], context.Failure is null ? context.TimerRequests : [], context.ForwardTo, context.Failure);
        return new CommandResult<TState>(definition.HandlerName, answer, context.ReplyMetadata, State)
        {
            Events = events,
            IsDeleted = events is [.., EntityDeleted] || change is ValueChange { Value.State: null } or ReplicaChange { Deletions: > 0 },
        };
    }

    /// <summary>Checks that what is in memory can be had from the store.</summary>
    private protected virtual void Check(string handlerName, Entity inMemory, StoredEntity before, IReadOnlyList<object> newEvents)
    {
    }

    /// <summary>Checks what a command that was not rejected leaves in memory.</summary>
    private protected virtual void CheckHandled(string handlerName, Entity inMemory)
    {
    }

    private protected abstract TState ReadState(Entity instance);

    /// <summary>Goes on from what is stored.</summary>
    private protected void Reload() => _entity = Load();

    private EntityInstance Load() => Entity.Load(Store.Read);

    private CommandDefinition FindHandler(IMessage command, string? name) => HandlerChoice.Find(
        Entity.Definition.Commands.Values, handler => handler.Rpc, handler => handler.Rpc.InputType == command.Descriptor, name, Entity.Definition.EntityClass, command.GetType().Name);

    private string ReadKey(CommandDefinition definition, IMessage command)
    {
        var key = definition.Key.Read(command);
        if (key.Length == 0)
        {
            throw new TestKitException($"{command.GetType().Name} has no entity key: {definition.Key} is empty.");
        }

        _key ??= key;
        return key == _key ? key : throw new TestKitException(
            $"{command.GetType().Name} is for the entity '{key}' ({definition.Key}), but this is the test kit of '{_key}'. Every entity has a kit of its own.");
    }

    private void RejectUsedId(string? commandId)
    {
        if (commandId is not null && _commandIds.Contains(commandId))
        {
            throw new TestKitException(
                $"The command id '{commandId}' was used before. A service answers a repeated command with its first outcome, without its handler. Give every command an id of its own.");
        }
    }

    private void RememberId(string? commandId, CommandContext context)
    {
        if (commandId is not null && context.Failure?.StatusCode.IsTransient() != true)
        {
            _commandIds.Add(commandId);
        }
    }
}
