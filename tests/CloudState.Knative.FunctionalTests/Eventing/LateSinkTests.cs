using System.Threading.Channels;
using CloudState.Knative.Cluster;
using CloudState.Knative.Delivery;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Eventing;

/// <summary>Deliveries to a sink that does not answer in time: it has not refused, so that it is left alone for longer each time.</summary>
public sealed class LateSinkTests : TopicSinkTest
{
    private static readonly TimeSpan PublishTimeout = new EventingOptions().PublishTimeout;
    private static readonly OwnedSlot Slot = new(new Slot("cart", 0), Tenure.Unlimited(TimeProvider.System));

    [Fact]
    public async Task Pauses_BeginWithTheTimeout_AndDouble_UpToTheirLimit()
    {
        await using var sink = await EventSink.StartAsync();
        sink.AnswerNever();
        var (time, delivered) = (new RecordedTime(), new TaskCompletionSource());
        using var service = await DeliverAsync(sink, time, delivered.SetResult);

        foreach (var minutes in (int[])[5, 10, 20, 40, 60, 60])
        {
            Assert.Equal(PublishTimeout, await time.NextTimerAsync());
            await sink.TakenAsync();
            time.Advance(PublishTimeout);
            Assert.Equal(TimeSpan.FromMinutes(minutes), await time.NextTimerAsync());
            time.Advance(TimeSpan.FromMinutes(minutes));
        }

        await sink.TakenAsync();
        Assert.Equal(0, sink.Unseen);
        await service.StopAsync(Cancellation);
        Assert.False(delivered.Task.IsCompleted);
    }

    [Fact]
    public async Task EventThatIsTakenAtLast_IsDelivered()
    {
        await using var sink = await EventSink.StartAsync();
        sink.AnswerNever();
        var (time, delivered) = (new RecordedTime(), new TaskCompletionSource());
        using var service = await DeliverAsync(sink, time, delivered.SetResult);
        await time.NextTimerAsync();
        var first = await sink.TakenAsync();
        time.Advance(PublishTimeout);
        await time.NextTimerAsync();

        sink.AnswerWith(202);
        time.Advance(PublishTimeout);
        await delivered.Task.WaitAsync(TestService.Patience);

        Assert.Equal(first["ce-id"], (await sink.TakenAsync())["ce-id"]);
        Assert.Equal(0, sink.Unseen);
        await service.StopAsync(Cancellation);
    }

    private async Task<DeliveryService> DeliverAsync(EventSink sink, TimeProvider time, Action delivered)
    {
        var deliveries = new Deliveries();
        var deliverer = new Deliverer(null!, SinksOf(time, ("K_SINK", sink.Address)), null!);
        var service = new DeliveryService(deliveries, deliverer, null!, null!, new DeliveryOptions(), time, NullLogger<DeliveryService>.Instance);
        deliveries.Add(
            new PendingDelivery("1", new EntityId("cart", "ann"), "topic", Topic, () => new StoredDelivery { Event = Published.ToStored(Topic) }, delivered) { KeepsOrder = true },
            Slot);
        await service.StartAsync(Cancellation);
        return service;
    }

    /// <summary>Tells the test which timers are made.</summary>
    private sealed class RecordedTime : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

        public async Task<TimeSpan> NextTimerAsync() => await _timers.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(TestService.Patience);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _timers.Writer.TryWrite(dueTime);
            return timer;
        }
    }
}
