using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using CloudState.Knative.Actions;
using CloudState.Knative.Calls;
using Google.Protobuf;

namespace CloudState.Knative.Testing;

/// <summary>Runs the handlers of an action in a test, without a host. What they throw comes out of the call.</summary>
/// <example>
/// <code>
/// var checkout = ActionTestKit.Create(() => new CheckoutAction(time));
/// var result = await checkout.WhenAsync(new Order { Id = "7" });
/// Assert.Equal("7", result.ReplyFrom!.Message&lt;Payment&gt;().OrderId);
/// </code>
/// </example>
[SuppressMessage("ApiDesign", "RS0026", Justification = "The first parameter tells the overloads apart.")]
public sealed class ActionTestKit
{
    private readonly ActionDefinition _definition;
    private readonly Func<object> _create;

    private ActionTestKit(ActionDefinition definition, Func<object> create)
    {
        _definition = definition;
        _create = create;
    }

    /// <summary>Makes a kit for an action.</summary>
    /// <param name="create">Makes an instance with whatever its constructor takes; called for each call.</param>
    /// <exception cref="EntityDefinitionException">The class does not fit its service.</exception>
    public static ActionTestKit Create<TAction>(Func<TAction> create)
        where TAction : class
    {
        ArgumentNullException.ThrowIfNull(create);
        return new ActionTestKit(ActionDefinitionReader.Read(typeof(TAction)), create);
    }

    /// <summary>Calls a unary rpc.</summary>
    /// <param name="message">The input.</param>
    /// <param name="handler">The name of the handler; it may be left out when one rpc of this shape only takes such a message.</param>
    /// <param name="call">What comes with the call; the default is nothing.</param>
    /// <exception cref="TestKitException">There is no such handler.</exception>
    public Task<CallResult> WhenAsync(IMessage message, string? handler = null, TestCall? call = null) =>
        RunAsync(FindHandler(message, handler, isStreamed: false), message, call ?? TestCall.Plain);

    /// <summary>Calls an rpc that takes a stream of messages and replies once.</summary>
    /// <param name="messages">The input, as a stream of the rpc's input type.</param>
    /// <param name="handler">The name of the handler; it may be left out when one rpc of this shape only takes such messages.</param>
    /// <param name="call">What comes with the call; the default is nothing.</param>
    /// <exception cref="TestKitException">There is no such handler.</exception>
    public Task<CallResult> WhenAsync(IAsyncEnumerable<IMessage> messages, string? handler = null, TestCall? call = null) =>
        RunAsync(FindHandler(messages, handler, isStreamed: false), messages, call ?? TestCall.Plain);

    /// <summary>Calls an rpc that replies with a stream. Each result is one answer, with the effects that go with it; a failure is the last.</summary>
    /// <inheritdoc cref="WhenAsync(IMessage, string?, TestCall?)"/>
    public IAsyncEnumerable<CallResult> WhenStreamed(IMessage message, string? handler = null, TestCall? call = null) =>
        StreamAsync(FindHandler(message, handler, isStreamed: true), message, call ?? TestCall.Plain);

    /// <summary>Calls an rpc that takes a stream of messages and replies with a stream. Each result is one answer, with the effects that go with it; a failure is the last.</summary>
    /// <inheritdoc cref="WhenAsync(IAsyncEnumerable{IMessage}, string?, TestCall?)"/>
    public IAsyncEnumerable<CallResult> WhenStreamed(IAsyncEnumerable<IMessage> messages, string? handler = null, TestCall? call = null) =>
        StreamAsync(FindHandler(messages, handler, isStreamed: true), messages, call ?? TestCall.Plain);

    private ActionMethod FindHandler(object input, string? name, bool isStreamed)
    {
        ArgumentNullException.ThrowIfNull(input);
        var wanted = $"{(input is IMessage message ? message.Descriptor.ClrType.Name : "a stream of such messages")} that replies {(isStreamed ? "with a stream" : "once")}";
        return HandlerChoice.Find(
            [.. _definition.Methods], method => method.Rpc, method => method.Rpc.IsServerStreaming == isStreamed && InputOf(method).IsInstanceOfType(input), name, _definition.ActionClass, wanted);
    }

    private static Type InputOf(ActionMethod method) =>
        method.Rpc.IsClientStreaming ? typeof(IAsyncEnumerable<>).MakeGenericType(method.Rpc.InputType.ClrType) : method.Rpc.InputType.ClrType;

    private async Task<CallResult> RunAsync(ActionMethod method, object input, TestCall call)
    {
        var context = ContextOf(method, call);
        try
        {
            return ResultOf(method, context, await method.SingleReply!(_create(), input, context));
        }
        catch (Exception thrown) when (context.IsRejectedBy(thrown))
        {
            // The handler has rejected the call; no later exception replaces that.
            return ResultOf(method, context, reply: null);
        }
        finally
        {
            context.Close();
        }
    }

    private async IAsyncEnumerable<CallResult> StreamAsync(ActionMethod method, object input, TestCall call, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, cancellationToken);
        var context = ContextOf(method, call, either.Token);
        try
        {
            await using var replies = RepliesAsync().GetAsyncEnumerator(CancellationToken.None);
            for (var isLast = false; !isLast;)
            {
                CallResult? result;
                try
                {
                    isLast = !await replies.MoveNextAsync();
                    result = isLast ? LastResultOf(method, context) : ResultOf(method, context, replies.Current);
                }
                catch (Exception thrown) when (context.IsRejectedBy(thrown))
                {
                    result = LastResultOf(method, context);
                }

                if (result is not null)
                {
                    yield return result;
                }

                isLast |= result?.Failure is not null;
            }
        }
        finally
        {
            context.Close();
        }

        // Whatever the handler throws, even before its first reply, comes out of the loop above.
        async IAsyncEnumerable<IMessage?> RepliesAsync()
        {
            await foreach (var reply in method.StreamedReply!(_create(), input, context).WithCancellation(either.Token))
            {
                yield return reply;
            }
        }
    }

    private static ActionContext ContextOf(ActionMethod method, TestCall call, CancellationToken? cancellation = null) =>
        new(method.Rpc, CallTargets.All, call.CommandId, call.ToMetadata(), () => cancellation ?? call.CancellationToken);

    private static CallResult ResultOf(ActionMethod method, ActionContext context, IMessage? reply)
    {
        var answer = context.TakeAnswer(reply);
        method.CheckAnswer(answer);
        return new CallResult(method.HandlerName, answer, context.ReplyMetadata);
    }

    /// <summary>What a handler has asked for after its last reply; null if nothing.</summary>
    private static CallResult? LastResultOf(ActionMethod method, ActionContext context)
    {
        var answer = context.TakeAnswer(reply: null);
        return answer is { Effects: [], Timers: [], Forward: null, Failure: null } ? null : new CallResult(method.HandlerName, answer, context.ReplyMetadata);
    }
}
