using CloudState.Knative.Calls;
using CloudState.Knative.Dispatch;
using CloudState.Knative.Grpc;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Topics;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.CloudEvents;

/// <summary>
/// The CloudEvents edge. Answers as a Knative broker needs it: an empty 204 when all events are done, 4xx for what can never
/// work, 409, 429, 500 or 503 for what may work when it is delivered again.
/// </summary>
/// <remarks>
/// Events of a batch are handled in order for each key, those of different keys at the same time. When some of it fails, the answer is the one that asks for another delivery, if there is one: the events
/// that are done are recognised by their ids then and not applied again. The reply to a single event is an event, too, for those who ask for it.
/// </remarks>
internal sealed class CloudEventEndpoint(CloudEventRoutes routes, RpcCalls calls, MessageShapes shapes, ServiceName service, EventingOptions options, TimeProvider time)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(25);
    private int _heldOpen;

    public async Task HandleAsync(HttpContext http)
    {
        try
        {
            var cloudEvents = await CloudEventRequest.ReadAsync(http.Request);
            var headers = RequestMetadata.Read(http.Request.Headers);
            var topic = (string?)http.Request.RouteValues["topic"];
            var events = cloudEvents.Select(cloudEvent => routes.ToCall(cloudEvent, topic, CloudEventHeaders.Of(cloudEvent, headers), http.RequestAborted)).ToArray();

            var outcomes = events is [var only] ? [await CallInOrderAsync(only)] : await CallAllAsync(events);
            (int Status, string Detail) answer = (StatusCodes.Status204NoContent, "");
            foreach (var outcome in outcomes)
            {
                answer = Worse(answer, (HttpStatusOf(outcome.Status.StatusCode), outcome.Status.Detail));
            }

            HttpReply.WritePosition(outcomes.LastOrDefault(), http.Response);

            if (events is [var single] && CloudEventReply.IsWanted(http.Request) && ToEvent(single, outcomes[0]) is { } reply)
            {
                await CloudEventReply.WriteAsync(http.Response, reply);
                return;
            }

            await AnswerAsync(http, answer.Status, answer.Detail);
        }
        catch (CloudEventException invalid)
        {
            await AnswerAsync(http, invalid.StatusCode, invalid.Message);
        }
    }

    private async Task<CallOutcome[]> CallAllAsync(CloudEventCall[] events)
    {
        var outcomes = new CallOutcome[events.Length];
        var lanes = events.Index().GroupBy(entry => (entry.Item.Rpc.Service.FullName, entry.Item.Key));
        await Parallel.ForEachAsync(lanes, new ParallelOptions { MaxDegreeOfParallelism = options.MaxConcurrentEvents }, async (lane, _) =>
        {
            foreach (var (index, call) in lane)
            {
                outcomes[index] = await CallInOrderAsync(call);
            }
        });
        return outcomes;
    }

    /// <summary>Waits for the predecessors of an event that is held back, for as long as the request may stay open.</summary>
    private async ValueTask<CallOutcome> CallInOrderAsync(CloudEventCall call)
    {
        var outcome = await calls.CallAsync(call.Call, call.CommandId, call.Scope);
        if (outcome.Kind != OutcomeKind.HeldBack)
        {
            return outcome;
        }

        try
        {
            var started = time.GetTimestamp();
            if (Interlocked.Increment(ref _heldOpen) <= options.MaxOutOfOrderWaits)
            {
                while (outcome.Kind == OutcomeKind.HeldBack && time.GetElapsedTime(started) < options.OutOfOrderWait && !call.Scope.CallCancelled.IsCancellationRequested)
                {
                    await Task.Delay(LookInterval, time, call.Scope.CallCancelled).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    outcome = await calls.CallAsync(call.Call, call.CommandId, call.Scope);
                }
            }

            return outcome;
        }
        finally
        {
            Interlocked.Decrement(ref _heldOpen);
        }
    }

    /// <summary>Null when the rpc has nothing to say, or says it to a topic.</summary>
    private OutgoingEvent? ToEvent(CloudEventCall call, CallOutcome outcome) => outcome.Reply is null || OutTopic.Of(call.Rpc) is not null ? null : OutgoingEvents.FromReply(
        call.Rpc, shapes, outcome.Reply, "application/json", CommandIds.ToText(call.CommandId), service.Value, call.Call.Metadata.CloudEvent?.Subject, outcome.Metadata, call.Scope.Trace,
        time.GetUtcNow());

    private static Task AnswerAsync(HttpContext http, int status, string detail)
    {
        http.Response.StatusCode = status;
        return status == StatusCodes.Status204NoContent ? Task.CompletedTask : http.Response.WriteAsJsonAsync(
            new CloudEventProblem(status, detail), CloudEventJson.Default.CloudEventProblem, "application/problem+json", http.RequestAborted);
    }

    private static (int Status, string Detail) Worse((int Status, string Detail) left, (int Status, string Detail) right) =>
        Severity(left.Status) >= Severity(right.Status) ? left : right;

    private static int Severity(int status) => status switch
    {
        StatusCodes.Status204NoContent => 0,
        StatusCodes.Status409Conflict or StatusCodes.Status429TooManyRequests or >= 500 => 2,
        _ => 1,
    };

    /// <summary>Never 404: brokers deliver again after it.</summary>
    private static int HttpStatusOf(StatusCode code) => code switch
    {
        StatusCode.OK => StatusCodes.Status204NoContent,
        StatusCode.Aborted => StatusCodes.Status409Conflict,
        StatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled => StatusCodes.Status503ServiceUnavailable,
        StatusCode.Internal or StatusCode.Unknown or StatusCode.DataLoss => StatusCodes.Status500InternalServerError,
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        _ => StatusCodes.Status400BadRequest,
    };
}
