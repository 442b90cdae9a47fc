using CloudState.Knative.Cluster;
using CloudState.Knative.Storage;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Cluster;

/// <summary>A slot from its claim to its release.</summary>
public sealed class OwnedSlotTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly Tenure _tenure;
    private readonly OwnedSlot _slot;

    public OwnedSlotTests()
    {
        _tenure = new Tenure(Guid.NewGuid(), _time);
        _tenure.Renew(_time.GetTimestamp(), Lease);
        _slot = new OwnedSlot(new Slot("cart", 7), _tenure);
    }

    [Fact]
    public void Owned_CommandsEnterAndLeave()
    {
        Assert.True(_slot.TryEnter());
        Assert.True(_slot.TryEnter());
        _slot.Leave();
        _slot.Leave();

        Assert.True(_slot.TryEnter());
        Assert.False(_slot.IsDraining);
        Assert.False(_slot.Drained.IsCompleted);
        Assert.False(_slot.IsOver);
    }

    [Fact]
    public void DrainedWhileEmpty_IsOverAtOnce()
    {
        _slot.StartDraining();

        Assert.True(_slot.IsDraining);
        Assert.True(_slot.Drained.IsCompleted);
        Assert.True(_slot.IsOver);
        Assert.False(_slot.TryEnter());
    }

    [Fact]
    public void Drained_WhenTheLastCommandHasLeft()
    {
        _slot.TryEnter();
        _slot.TryEnter();
        _slot.StartDraining();

        Assert.False(_slot.TryEnter());
        _slot.Leave();
        Assert.False(_slot.Drained.IsCompleted);
        Assert.False(_slot.IsOver);
        Assert.True(_slot.IsHeld);
        Assert.False(_slot.TryEnter());
        _slot.Leave();
        Assert.True(_slot.Drained.IsCompleted);
        Assert.True(_slot.IsOver);
    }

    [Fact]
    public void DrainedTwice_CountsOnce()
    {
        _slot.TryEnter();
        _slot.StartDraining();
        _slot.StartDraining();

        Assert.False(_slot.Drained.IsCompleted);
        _slot.Leave();
        Assert.True(_slot.Drained.IsCompleted);
        Assert.False(_slot.TryEnter());
    }

    [Fact]
    public async Task DrainedUnderLoad_NobodyIsInsideAfterwards()
    {
        for (var round = 0; round < 200; round++)
        {
            var slot = new OwnedSlot(new Slot("cart", round), _tenure);
            var (entered, insideTooLate) = (0, 0);
            var commands = Enumerable.Range(0, 4).Select(_ => Task.Run(EnterAndLeave)).ToArray();
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref entered) > round % 50, Patience));

            Parallel.Invoke(slot.StartDraining, slot.StartDraining);

            await slot.Drained.WaitAsync(Patience, TestContext.Current.CancellationToken);
            await Task.WhenAll(commands).WaitAsync(Patience, TestContext.Current.CancellationToken);
            Assert.Equal(0, insideTooLate);
            Assert.False(slot.TryEnter());

            void EnterAndLeave()
            {
                while (slot.TryEnter())
                {
                    Interlocked.Increment(ref entered);
                    if (slot.Drained.IsCompleted)
                    {
                        Interlocked.Increment(ref insideTooLate);
                    }

                    slot.Leave();
                }
            }
        }
    }

    [Fact]
    public void LeaseEnded_NobodyEnters_AndMemoryIsNotTrusted()
    {
        _slot.TryEnter();
        _time.Advance(Lease - TimeSpan.FromTicks(1));
        Assert.True(_slot.IsHeld);

        _time.Advance(TimeSpan.FromTicks(1));

        Assert.False(_slot.IsHeld);
        Assert.False(_slot.TryEnter());
        Assert.False(_slot.IsOver);
        _slot.StartDraining();
        _slot.Leave();
        Assert.True(_slot.Drained.IsCompleted);
    }

    [Fact]
    public void RenewedAfterItsLease_IsHeldAgain()
    {
        _time.Advance(Lease);
        Assert.False(_slot.IsHeld);

        _tenure.Renew(_time.GetTimestamp(), Lease);

        Assert.True(_slot.IsHeld);
        Assert.True(_slot.TryEnter());
    }

    [Fact]
    public void Lease_CountsFromWhenTheRenewalWasSent()
    {
        var sentAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(3));
        _tenure.Renew(sentAt, Lease);

        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.False(_slot.IsHeld);
    }

    [Fact]
    public void TenureOver_IsOver_WhateverIsInside_AndForEver()
    {
        _slot.TryEnter();

        _tenure.End();
        _tenure.Renew(_time.GetTimestamp(), Lease);

        Assert.True(_slot.IsOver);
        Assert.False(_slot.IsHeld);
        Assert.False(_slot.TryEnter());
    }

    [Fact]
    public void StoreSharedWithNobody_IsHeldForEver()
    {
        var slot = new OwnedSlot(new Slot("cart", 0), Tenure.Unlimited(_time));

        _time.Advance(TimeSpan.FromDays(10_000));

        Assert.True(slot.TryEnter());
        Assert.Null(slot.Tenure.MemberId);
    }
}
