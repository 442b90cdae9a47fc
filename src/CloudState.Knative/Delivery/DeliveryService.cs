using System.Collections.Concurrent;
using CloudState.Knative.Calls;
using CloudState.Knative.Diagnostics;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Delivery;

/// <summary>Makes the <see cref="Deliveries"/>: many at a time, each as often as it takes, and parks what cannot be delivered.</summary>
internal sealed partial class DeliveryService(
    Deliveries deliveries, Deliverer deliverer, IEntityStore store, StoreHealth health, DeliveryOptions options, TimeProvider time, ILogger<DeliveryService> logger)
    : BackgroundService
{
    private const int AttemptsBeforeWarning = 5;

    // One for effects, for timers, and for each consumer and topic: a sink that does not answer does not hold up the others.
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _free = new();
    private readonly DetachedTasks _underWay = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        try
        {
            await foreach (var queue in deliveries.Ready.ReadAllAsync(stoppingToken))
            {
                _underWay.Add(DeliverFirstAsync(queue, stoppingToken));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }

        await _underWay.AllEnded;
    }

    private async Task DeliverFirstAsync(DeliveryLane queue, CancellationToken stopping)
    {
        var free = _free.GetOrAdd(queue.Lane.StartsWith(PendingDelivery.Timers, StringComparison.Ordinal) ? PendingDelivery.Timers : queue.Lane, _ => new SemaphoreSlim(options.MaxConcurrent));
        await free.WaitAsync(CancellationToken.None);
        var delivery = deliveries.First(queue);
        try
        {
            // Without the ownership another process delivers it; and if only the lease is late, there is a store to wait for.
            if (queue.Slot.IsOver || stopping.IsCancellationRequested)
            {
                return;
            }

            var started = time.GetTimestamp();
            var result = !queue.Slot.IsHeld ? DeliveryResult.Failed(StatusCode.Unavailable, "The lease has not been renewed.")
                : await IsParkedBehindAsync(queue, delivery) ? DeliveryResult.Delivered
                : await TryDeliverAsync(delivery, stopping);
            if (result.Status.StatusCode != StatusCode.OK && MayWorkLater(result.Status.StatusCode, queue))
            {
                var pause = result.IsTimeout ? PauseAfterTimeout(++queue.Timeouts, time.GetElapsedTime(started)) : result.RetryAfter;
                if (queue.Attempts == AttemptsBeforeWarning || queue is { Timeouts: 1, Attempts: < AttemptsBeforeWarning } && result.IsTimeout)
                {
                    LogWaiting(delivery.Target, delivery.Origin, result.Status.StatusCode, result.Status.Detail, queue.Attempts);
                }

                _ = RetryLaterAsync(queue, pause, stopping);
                return;
            }

            if (result.Status.StatusCode != StatusCode.OK)
            {
                await GiveUpAsync(queue, delivery, result.Status);
            }

            deliveries.CompleteFirst(queue);
        }
        catch (Exception notParked)
        {
            if (notParked is StoreUnavailableException unavailable)
            {
                health.ReportDown(unavailable);
            }
            else
            {
                LogUnexpected(delivery.Target, queue.Origin, notParked);
            }

            _ = RetryLaterAsync(queue, retryAfter: null, stopping);
        }
        finally
        {
            free.Release();
        }
    }

    private async Task<DeliveryResult> TryDeliverAsync(PendingDelivery delivery, CancellationToken stopping)
    {
        try
        {
            if (delivery.Content() is not { } content)
            {
                return DeliveryResult.Delivered;
            }

            var result = await deliverer.DeliverAsync(content, stopping);
            CloudStateTelemetry.Delivered(delivery.Target, result.Status.StatusCode.ToString());
            return result;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return DeliveryResult.Failed(StatusCode.Cancelled, "The service stops.");
        }
        catch (Exception unexpected)
        {
            LogUnexpected(delivery.Target, delivery.Origin, unexpected);
            return DeliveryResult.Failed(StatusCode.Internal, unexpected.Message);
        }
    }

    private async Task<bool> IsParkedBehindAsync(DeliveryLane queue, PendingDelivery delivery)
    {
        if (!deliveries.IsMarkedParked(queue))
        {
            return false;
        }

        if (await store.Parked.TryParkBehindAsync(ToParked(queue, delivery, "It follows one that is parked.", attempts: 0), CancellationToken.None))
        {
            return true;
        }

        deliveries.UnmarkParked(queue.Lane, queue.Origin);
        return false;
    }

    private async Task GiveUpAsync(DeliveryLane queue, PendingDelivery delivery, Status status)
    {
        if (!delivery.KeepsOrder && !IsUnexpected(status.StatusCode))
        {
            LogRejected(delivery.Target, delivery.Origin, status.StatusCode, status.Detail);
            return;
        }

        await store.Parked.ParkAsync(ToParked(queue, delivery, $"{status.StatusCode}: {status.Detail}", queue.Attempts), CancellationToken.None);
        if (delivery.KeepsOrder)
        {
            deliveries.MarkParked(queue.Lane, queue.Origin);
        }

        CloudStateTelemetry.Parked(delivery.Target);
        LogParked(delivery.Target, delivery.Origin, delivery.Id, queue.Attempts, status.StatusCode, status.Detail);
    }

    private ParkedDelivery ToParked(DeliveryLane queue, PendingDelivery delivery, string error, int attempts) => new(
        delivery.Id, queue.Lane, queue.Origin, queue.Slot.Slot.Number, (delivery.ParkedContent?.Invoke() ?? delivery.Content()!.ToStored()).ToByteString(), error, attempts, time.GetUtcNow().ToMicroseconds());

    /// <summary>Counts the attempt. Those that were in vain because something was not there do not count against it.</summary>
    private bool MayWorkLater(StatusCode code, DeliveryLane queue)
    {
        queue.Attempts++;
        return IsUnexpected(code) ? ++queue.Failures < options.MaxAttempts : code.IsTransient();
    }

    private static bool IsUnexpected(StatusCode code) => code is StatusCode.Internal or StatusCode.Unknown or StatusCode.DataLoss;

    private TimeSpan PauseAfterTimeout(int timeouts, TimeSpan attempt)
    {
        var pause = attempt * Math.Pow(2, Math.Min(timeouts - 1, 30));
        return pause < options.MaxTimeoutDelay ? pause : options.MaxTimeoutDelay;
    }

    private async Task RetryLaterAsync(DeliveryLane queue, TimeSpan? retryAfter, CancellationToken stopping)
    {
        var delay = options.RetryDelay * Math.Pow(2, Math.Clamp(queue.Attempts - 1, 0, 30));
        delay = delay < options.MaxRetryDelay ? delay : options.MaxRetryDelay;
        await Task.Delay(retryAfter > delay ? retryAfter.Value : delay, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stopping.IsCancellationRequested)
        {
            deliveries.Retry(queue);
        }
    }

    [LoggerMessage(51, LogLevel.Warning, "{Target} could not be reached for {Origin} in {Attempts} attempts: {StatusCode}, {Detail}. It is tried on.", EventName = "DeliveryWaiting")]
    private partial void LogWaiting(string target, EntityId origin, StatusCode statusCode, string detail, int attempts);

    [LoggerMessage(52, LogLevel.Error, "The delivery to {Target} for {Origin} failed.", EventName = "DeliveryFailed")]
    private partial void LogUnexpected(string target, EntityId origin, Exception unexpected);

    [LoggerMessage(50, LogLevel.Error, "{Target} has rejected what {Origin} has asked for: {StatusCode}, {Detail}", EventName = "DeliveryRejected")]
    private partial void LogRejected(string target, EntityId origin, StatusCode statusCode, string detail);

    [LoggerMessage(53, LogLevel.Error, "{Target} could not take {Id} of {Origin} in {Attempts} attempts: {StatusCode}, {Detail}. It is parked; see GET /cloudstate/parked on the internal port, which the embedded store opens only with CloudState__Cluster__Port.", EventName = "DeliveryParked")]
    private partial void LogParked(string target, EntityId origin, string id, int attempts, StatusCode statusCode, string detail);
}
