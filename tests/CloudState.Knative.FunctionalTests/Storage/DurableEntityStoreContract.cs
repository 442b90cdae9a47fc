using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

/// <summary>What every store must do whose database outlives it: another version of the service opens it, which knows other messages.</summary>
public abstract class DurableEntityStoreContract : EntityStoreContract
{
    [Fact]
    public async Task EventOfUnknownType_IsUnreadable()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1));

        await ReopenWith(LedgerState.Descriptor);

        var unreadable = await Assert.ThrowsAsync<UnreadableEntityException>(() => Load(key));
        Assert.Contains(AmountAdded.Descriptor.FullName, unreadable.Message);
        Assert.Contains(key.ToString(), unreadable.Message);
    }

    [Fact]
    public async Task SnapshotOfUnknownType_IsUnreadable()
    {
        var key = NewKey();
        await Write(Append(key, 0, 1).WithSnapshot(1, new LedgerState()));

        await ReopenWith(AmountAdded.Descriptor);

        var unreadable = await Assert.ThrowsAsync<UnreadableEntityException>(() => Load(key));
        Assert.Contains(LedgerState.Descriptor.FullName, unreadable.Message);
        Assert.Contains(key.ToString(), unreadable.Message);
    }

    [Fact]
    public async Task FormerName_IsReadAsTheTypeOfToday()
    {
        var key = NewKey();
        await Write(Append(key, 0, 5));
        await ReopenWith(new StoredTypes([new StoredTypeUse(typeof(LedgerState), AmountAdded.Descriptor.FullName)]));

        var entity = await Load(key);

        Assert.IsType<LedgerState>(Assert.Single(entity.Events));
    }
}
