using CloudState.Knative.Calls;
using CloudState.Knative.Cluster;
using CloudState.Knative.Outbox;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Outbox;

public sealed class OutboxTests
{
    private static readonly OwnedSlot Slot = new(new Slot("cart", 0), Tenure.Unlimited(TimeProvider.System));

    private readonly Deliveries _deliveries = new();
    private readonly OwnedOutbox _outbox;

    public OutboxTests() => _outbox = new OwnedOutbox(_deliveries);

    [Fact]
    public void CallsOfOneEntity_AreReadyOneAfterAnother()
    {
        var (first, second) = (Entry("alice"), Entry("alice"));
        _outbox.Load(Slot, []);

        _outbox.Add([first, second], Slot);

        var alice = TakeReady();
        Assert.Equal(first.CommandId, alice.Waiting.Peek().Id);
        Assert.False(_deliveries.Ready.TryRead(out _));
        _deliveries.CompleteFirst(alice);
        Assert.Equal(second.CommandId, TakeReady().Waiting.Peek().Id);
        _deliveries.CompleteFirst(alice);
        Assert.False(_deliveries.Ready.TryRead(out _));
        Assert.Equal([first.Id, second.Id], TakeDone());
        Assert.Equal(0, _deliveries.Count);
    }

    [Fact]
    public void CallsOfDifferentEntities_AreReadyAtTheSameTime()
    {
        _outbox.Load(Slot, []);

        _outbox.Add([Entry("alice"), Entry("bob")], Slot);

        Assert.Equal(["alice", "bob"], [TakeReady().Origin.Key, TakeReady().Origin.Key]);
    }

    [Fact]
    public void WhatTheStoreHas_GoesBeforeWhatWasAddedMeanwhile()
    {
        var (stored, both, added) = (Entry("alice"), Entry("alice"), Entry("alice"));

        _outbox.Add([both, added], Slot);
        Assert.False(_deliveries.Ready.TryRead(out _));
        _outbox.Load(Slot, [stored, both]);

        Assert.Equal([stored.CommandId, both.CommandId, added.CommandId], TakeReady().Waiting.Select(delivery => delivery.Id));
        Assert.Equal(3, _deliveries.Count);
    }

    [Fact]
    public void CallThatWasMadeWhileItsSlotIsLoaded_IsNotMadeAgain()
    {
        var (made, open) = (Entry("alice"), Entry("alice"));

        _outbox.Settle(made, Slot, CallOutcome.Rejected(new Status(StatusCode.OutOfRange, "No.")));
        _outbox.Load(Slot, [made, open]);

        Assert.Equal([open.CommandId], TakeReady().Waiting.Select(delivery => delivery.Id));
        Assert.Single(TakeDone());
    }

    [Fact]
    public void SlotThatIsLost_TakesItsCallsWithIt()
    {
        var regained = new OwnedSlot(Slot.Slot, Tenure.Unlimited(TimeProvider.System));
        _outbox.Load(Slot, [Entry("alice"), Entry("bob")]);
        var alice = TakeReady();

        _outbox.KeepOnly(new HashSet<OwnedSlot> { regained });
        _deliveries.KeepOnly(new HashSet<OwnedSlot> { regained });
        _deliveries.CompleteFirst(alice);

        Assert.Equal(0, _deliveries.Count);
        Assert.False(_outbox.IsLoaded(Slot));
        Assert.False(_outbox.IsLoaded(regained));
        Assert.Single(TakeDone());
    }

    private DeliveryLane TakeReady()
    {
        Assert.True(_deliveries.Ready.TryRead(out var origin));
        return origin;
    }

    private List<Guid> TakeDone()
    {
        var done = new List<Guid>();
        while (_outbox.Done.TryRead(out var id))
        {
            done.Add(id);
        }

        return done;
    }

    private static OutboxEntry Entry(string key) => new(Guid.NewGuid(), new EntityId("cart", key), 0, "carts.Carts/Add", ByteString.Empty);
}
