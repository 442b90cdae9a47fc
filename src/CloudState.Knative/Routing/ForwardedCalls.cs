using System.Collections.Concurrent;
using CloudState.Knative.Calls;
using CloudState.Knative.Crdts;
using CloudState.Knative.Entities;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.Routing;

/// <summary>The commands that came over one link, from when they were read until their outcomes are sent.</summary>
internal sealed class ForwardedCalls(
    EntityDefinitions definitions, Func<Command, ValueTask<CallOutcome>> execute, ReplicaSync replicas, TimeProvider time, PeerOutput output, CancellationToken closing)
{
    private readonly ConcurrentDictionary<ulong, CancellationTokenSource> _running = new();
    private readonly TaskCompletionSource _allEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The first one is that of who starts the others.
    private int _count = 1;

    public void Start(PeerFrame frame)
    {
        var head = ForwardedCommand.Parser.ParseFrom(frame.Head);
        if (definitions.Find(head.Method) is not var (entity, definition))
        {
            Answer(frame.Call, CallOutcome.Failed(StatusCode.Unimplemented, $"The pod that owns the entity has no method {head.Method}; it runs another revision of the service."));
            return;
        }

        IMessage message;
        try
        {
            message = definition.Rpc.InputType.Parse(frame.Body);
        }
        catch (InvalidProtocolBufferException unreadable)
        {
            Answer(frame.Call, CallOutcome.Failed(StatusCode.Internal, $"The pod that owns the entity cannot read the command: {unreadable.Message}"));
            return;
        }

        var cancellation = new CancellationTokenSource();
        _running[frame.Call] = cancellation;
        Interlocked.Increment(ref _count);

        // Not on the thread that reads: a handler runs on the thread that brings its command.
        var command = ForwardedMessages.ToCommand(head, message, entity, definition, time.GetUtcNow(), cancellation.Token);
        ThreadPool.UnsafeQueueUserWorkItem(new Execution(this, frame.Call, command, cancellation), preferLocal: false);
    }

    /// <summary>Answers once what was stored of a replicated value is merged.</summary>
    public void Confirm(PeerFrame frame)
    {
        Interlocked.Increment(ref _count);
        _ = ConfirmAsync(frame.Call, ReplicaPoint.Parser.ParseFrom(frame.Body));
    }

    public void Cancel(ulong call)
    {
        if (_running.TryGetValue(call, out var cancellation))
        {
            // What the handler has registered with its token does not run on the thread that reads either.
            _ = cancellation.CancelAsync();
        }
    }

    /// <summary>To be called once no further ones are started; completes when all have ended.</summary>
    public Task AllEndedAsync()
    {
        EndOne();
        return _allEnded.Task;
    }

    private async Task ExecuteAsync(ulong call, Command command, CancellationTokenSource cancellation)
    {
        try
        {
            // What a stream waits for happens elsewhere from now on.
            var isPoll = command.IsPoll;
            using var end = isPoll ? closing.UnsafeRegister(static cancellation => ((CancellationTokenSource)cancellation!).Cancel(), cancellation) : default;
            var outcome = await execute(command);
            Answer(call, isPoll && closing.IsCancellationRequested ? CallOutcome.NotOwner : outcome);
        }
        finally
        {
            _running.TryRemove(call, out _);
            EndOne();
        }
    }

    private async Task ConfirmAsync(ulong call, ReplicaPoint stored)
    {
        try
        {
            await replicas.ConfirmAsync(stored);
            Answer(call, CallOutcome.Replied(new MergeResult()));
        }
        catch (StoreUnavailableException)
        {
            Answer(call, CallOutcome.StoreUnavailable);
        }
        finally
        {
            EndOne();
        }
    }

    private void Answer(ulong call, CallOutcome outcome) => output.Send(PeerFrameKind.Outcome, call, ForwardedMessages.ToHead(outcome), outcome.Reply);

    private void EndOne()
    {
        if (Interlocked.Decrement(ref _count) == 0)
        {
            _allEnded.TrySetResult();
        }
    }

    private sealed class Execution(ForwardedCalls calls, ulong call, Command command, CancellationTokenSource cancellation) : IThreadPoolWorkItem
    {
        public void Execute() => _ = calls.ExecuteAsync(call, command, cancellation);
    }
}
