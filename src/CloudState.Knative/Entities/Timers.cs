using System.Diagnostics.CodeAnalysis;
using CloudState.Knative.Calls;
using CloudState.Knative.Storage;
using Grpc.Core;

namespace CloudState.Knative;

/// <summary>Calls of rpcs that are made at a time, whatever happens to this process, and also when none runs until then: the next one makes those that are overdue.</summary>
/// <remarks>
/// A timer has a name, and there is at most one of a name per entity (or per action). It fires at least once, always under the same command id, so that an rpc of an entity takes effect once.
/// A handler that is called by a timer looks at the state first: a timer that is cancelled while it fires can not be called back;
/// that of a CRDT entity fires although another pod has cancelled or replaced it.
/// </remarks>
public sealed class Timers
{
    private readonly CallTargets _targets;
    private readonly Action _throwIfClosed;
    private List<TimerRequest>? _requests;

    internal Timers(CallTargets targets, Action throwIfClosed)
    {
        _targets = targets;
        _throwIfClosed = throwIfClosed;
    }

    internal IReadOnlyList<TimerRequest> Requests => _requests ?? (IReadOnlyList<TimerRequest>)[];

    /// <summary>Sets a timer, in the place of the one of this name. It is stored when the call succeeds, with all else that the handler has done.</summary>
    /// <param name="name">Tells the timer from the others of the entity, or the action.</param>
    /// <param name="due">When to make the call. A time in the past is now.</param>
    /// <param name="call">Calls the rpc, for example <c>(Orders.OrdersClient orders) =&gt; orders.ExpireAsync(new Expire { Id = id })</c>; it runs at once, only to see what it calls.</param>
    /// <exception cref="InvalidOperationException">There is no such rpc, or the call is over.</exception>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The type of the time tells the overloads apart.")]
    public void Schedule<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(string name, DateTimeOffset due, Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class =>
        Add(name, new TimerRequest(name, Record(call), due, null));

    /// <inheritdoc cref="Schedule{TClient, TReply}(string, DateTimeOffset, Func{TClient, AsyncUnaryCall{TReply}})"/>
    /// <param name="name">Tells the timer from the others of the entity, or the action.</param>
    /// <param name="delay">How long to wait before the call is made, counted from the end of the handler.</param>
    /// <param name="call">Calls the rpc.</param>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The type of the time tells the overloads apart.")]
    public void Schedule<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(string name, TimeSpan delay, Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class =>
        Add(name, new TimerRequest(name, Record(call), null, delay));

    /// <summary>Cancels a timer. Does nothing when there is none of this name.</summary>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    public void Cancel(string name) => Add(name, new TimerRequest(name, null, null, null));

    private OutgoingCall Record<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TClient, TReply>(Func<TClient, AsyncUnaryCall<TReply>> call)
        where TClient : ClientBase
        where TReply : class
    {
        ArgumentNullException.ThrowIfNull(call);
        return _targets.Check(CallRecorder.Record(call));
    }

    internal void Add(string name, TimerRequest request)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _throwIfClosed();
        _requests ??= [];
        _requests.RemoveAll(earlier => earlier.Name == name);
        _requests.Add(request);
    }
}

/// <summary>What a handler does to a timer.</summary>
/// <param name="Name">The timer.</param>
/// <param name="Call">The call to make; null when the timer is cancelled.</param>
/// <param name="At">When; null when that is said by <paramref name="In"/>.</param>
/// <param name="In">In what time; null when that is said by <paramref name="At"/>.</param>
internal sealed record TimerRequest(string Name, OutgoingCall? Call, DateTimeOffset? At, TimeSpan? In)
{
    private static readonly DateTimeOffset Latest = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>When the call is to be made.</summary>
    public DateTimeOffset DueAt(DateTimeOffset now) => (At?.ToUniversalTime() ?? (In > Latest - now ? Latest : now + In!.Value)).ToMicroseconds();
}
