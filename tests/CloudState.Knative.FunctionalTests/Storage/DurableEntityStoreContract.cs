using CloudState.Knative.FunctionalTests.Ledger;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Google.Protobuf;
using Google.Protobuf.Reflection;
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
        await ReopenWith(new StoredTypes([new StoredTypeUse(typeof(AmountBooked), AmountAdded.Descriptor.FullName)]));
        await Store.CheckAsync(Cancellation);

        var entity = await Load(key);

        Assert.Equal(new AmountBooked { Reason = ((AmountAdded)Added(5)).Text, Cents = 5 }, Assert.Single(entity.Events));
    }

    [Fact]
    public async Task UnknownFields_ComeBack()
    {
        var (key, newer) = (NewKey(), AmountAdded.Parser.ParseFrom([.. Added(5).ToByteArray(), 24, 7]));

        await Write(Append(key, 0, [newer]).WithSnapshot(1, newer));
        await ReopenWith(AmountAdded.Descriptor);

        Assert.Equal(newer, (await Load(key)).Snapshot!.State);
        await Write(new EntityAppend(key with { Key = key.Key + "/value" }, new ValueChange(0, new StoredValue(1, newer, null))));
        Assert.Equal(newer, (await Store.LoadAsync(key with { Key = key.Key + "/value" }, StoredAs.Value, AllCommands, Cancellation)).Snapshot!.State);
    }

    /// <summary>A store that the application has configured in Marten's terms reads events by their classes, and knows no others.</summary>
    private protected async Task CheckMessagesWithoutAClassAsync()
    {
        var key = NewKey();
        var types = FileDescriptor.BuildFromByteStrings([AmountAdded.Descriptor.File.SerializedData])[0].MessageTypes;
        var (amountAdded, ledgerState) = (types.Single(type => type.Name == nameof(AmountAdded)), types.Single(type => type.Name == nameof(LedgerState)));
        await ReopenWith(new StoredTypes([new StoredTypeUse(amountAdded), new StoredTypeUse(ledgerState)]));

        await Write(new EntityAppend(key, new EventsChange(0, [new MessageBytes(amountAdded, Added(1).ToByteString()), new MessageBytes(amountAdded, Added(2).ToByteString())])
        {
            Snapshot = new StoredSnapshot(1, new MessageBytes(ledgerState, new LedgerState { Balance = 1 }.ToByteString())),
        }));

        var asBytes = await Load(key);
        Assert.Equal(new LedgerState { Balance = 1 }.ToByteString(), Assert.IsType<MessageBytes>(asBytes.Snapshot!.State).Bytes);
        Assert.Equal(Added(2).ToByteString(), Assert.IsType<MessageBytes>(Assert.Single(asBytes.Events)).Bytes);
        await ReopenWith(AmountAdded.Descriptor, LedgerState.Descriptor);
        var asObjects = await Load(key);
        Assert.Equal(new LedgerState { Balance = 1 }, asObjects.Snapshot!.State);
        Assert.Equal([Added(2)], asObjects.Events);
    }
}
