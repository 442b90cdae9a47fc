using CloudState.Knative.Cluster;
using CloudState.Knative.Delivery;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace CloudState.Knative.UnitTests.Delivery;

public sealed class DeliveryServiceTests : IDisposable
{
    private static readonly OwnedSlot Slot = new(new Slot("cart", 0), Tenure.Unlimited(TimeProvider.System));

    private readonly Deliveries _deliveries = new();
    private readonly DeliveryService _service;

    public DeliveryServiceTests() => _service = new DeliveryService(
        _deliveries, new Deliverer(null!, null!, null!), new ScriptedStore(), new StoreHealth(NullLogger<StoreHealth>.Instance),
        new DeliveryOptions { MaxAttempts = int.MaxValue, RetryDelay = TimeSpan.FromMilliseconds(1) }, TimeProvider.System, NullLogger<DeliveryService>.Instance);

    public void Dispose() => _service.Dispose();

    [Fact]
    public async Task WhatFails_IsTriedAgain()
    {
        var attempts = 0;
        var delivered = new TaskCompletionSource();
        Add(() => ++attempts < 3 ? throw new InvalidOperationException("Not yet.") : null, delivered.SetResult);

        await _service.StartAsync(TestContext.Current.CancellationToken);
        await delivered.Task;

        Assert.Equal(3, attempts);
        await _service.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task WhatFailsAsTheServiceStops_IsNotTriedAgain()
    {
        var attempts = 0;
        var stopped = new TaskCompletionSource<Task>();
        Add(
            () =>
            {
                attempts++;
                stopped.TrySetResult(_service.StopAsync(CancellationToken.None));
                throw new InvalidOperationException("It stops.");
            },
            () => { });

        await _service.StartAsync(TestContext.Current.CancellationToken);
        await (await stopped.Task).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(1, attempts);
        Assert.Equal(1, _deliveries.Count);
    }

    private void Add(Func<StoredDelivery?> content, Action complete) =>
        _deliveries.Add(new PendingDelivery("1", new EntityId("cart", "alice"), "topic", "topic", content, complete) { KeepsOrder = true }, Slot);
}
