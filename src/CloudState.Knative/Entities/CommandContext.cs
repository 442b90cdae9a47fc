using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Entities;

/// <summary>The surroundings of one command while its handler runs.</summary>
public sealed class CommandContext
{
    private readonly Entity _entity;
    private readonly EventHandlers _eventHandlers;
    private readonly Func<CancellationToken> _cancellation;
    private List<IMessage>? _events;
    private volatile bool _isClosed;

    internal CommandContext(
        Entity entity, EventHandlers eventHandlers, string entityId, long sequenceNumber, string? commandId,
        CommandMetadata metadata, Func<CancellationToken> cancellation)
    {
        _entity = entity;
        _eventHandlers = eventHandlers;
        _cancellation = cancellation;
        EntityId = entityId;
        SequenceNumber = sequenceNumber;
        CommandId = commandId;
        Metadata = metadata;
    }

    /// <summary>The key of the entity.</summary>
    public string EntityId { get; }

    /// <summary>How many events the entity has, those emitted by this command included.</summary>
    public long SequenceNumber { get; private set; }

    /// <summary>The id under which the caller may repeat the command (header <c>Idempotency-Key</c>, or a CloudEvent's source and id); null when it gave none.</summary>
    public string? CommandId { get; }

    /// <summary>What came with the command beside its message.</summary>
    public CommandMetadata Metadata { get; }

    /// <summary>Cancelled when the caller has gone or the time limit of the command has passed.</summary>
    public CancellationToken CancellationToken => _cancellation();

    internal IReadOnlyList<IMessage> Events => _events ?? (IReadOnlyList<IMessage>)[];

    internal Status? Failure { get; private set; }

    /// <summary>
    /// Emits an event and applies it to the state at once. It is stored when the command succeeds, before the reply leaves.
    /// After <see cref="Fail"/> it does nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The entity has no <c>Apply</c> for this type, or the command is over.</exception>
    public void Emit<TEvent>(TEvent @event)
        where TEvent : class, IMessage<TEvent>
    {
        ArgumentNullException.ThrowIfNull(@event);
        if (_isClosed)
        {
            throw new InvalidOperationException("The command is over: its handler returned or ran into its time limit. Emit events before that.");
        }

        if (Failure is not null)
        {
            return;
        }

        var apply = _eventHandlers.Find(typeof(TEvent));

        // Two copies: the journal's must not change with the state, nor the state with what the handler still holds.
        (_events ??= []).Add(@event.Clone());
        SequenceNumber++;
        apply(_entity, @event.Clone());
    }

    /// <summary>Rejects the command: the caller gets the message, no event is kept, and what the handler returns is ignored.</summary>
    /// <param name="message">What the caller can do about it.</param>
    /// <param name="statusCode">The gRPC status; over HTTP its usual counterpart (the default is 400).</param>
    /// <exception cref="ArgumentException"><paramref name="statusCode"/> is <see cref="StatusCode.OK"/>.</exception>
    public void Fail(string message, StatusCode statusCode = StatusCode.FailedPrecondition)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (statusCode == StatusCode.OK)
        {
            throw new ArgumentException("A failure needs a status other than OK.", nameof(statusCode));
        }

        Failure ??= new Status(statusCode, message);
    }

    internal void Close() => _isClosed = true;
}
