using CloudState.Knative.Cluster;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;

namespace CloudState.Knative.UnitTests.Journal;

public sealed class TypeJournalTests
{
    private static readonly Tenure Tenure = Tenure.Unlimited(TimeProvider.System);

    private readonly ScriptedJournal _store = new();
    private readonly ClusterState _cluster = new(["cart"], slotsPerType: 2);

    [Fact]
    public async Task SlotThatLeftAndCameBack_IsMarkedOnce_WhereItIsNow()
    {
        var journal = new TypeJournal("cart", _store, _cluster, new StoredTypes([]));
        var before = Hold(1);
        before.StartDraining();
        _cluster.Drop(before);
        var now = Hold(1);
        _store.Last = 42;
        await journal.OpenAsync(now, TestContext.Current.CancellationToken);

        // Of a reader that has not noticed yet.
        _store.Last = 40;
        await journal.OpenAsync(before, TestContext.Current.CancellationToken);
        await journal.MarkAsync(TestContext.Current.CancellationToken);

        Assert.Equal(new Dictionary<int, long> { [1] = 42 }, _store.Marked);
    }

    private OwnedSlot Hold(int number)
    {
        var slot = new OwnedSlot(new Slot("cart", number), Tenure);
        _cluster.Hold(slot);
        return slot;
    }

    private sealed class ScriptedJournal : IJournalReader
    {
        public long Last { get; set; }

        public IReadOnlyDictionary<int, long> Marked { get; private set; } = new Dictionary<int, long>();

        public Task<IReadOnlyDictionary<int, long>> OpenAsync(
            string entityType, IReadOnlyCollection<int> slots, Func<string, int> slotOf, Guid? memberId, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyDictionary<int, long>>(slots.ToDictionary(slot => slot, _ => Last));

        public Task MarkNumberedAsync(string entityType, IReadOnlyDictionary<int, long> positions, Guid? memberId, CancellationToken cancellationToken)
        {
            Marked = positions;
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<JournalEvent>> ReadAsync(string entityType, IReadOnlyDictionary<int, long> after, int maxCount, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyDictionary<int, long>> ReadCheckpointsAsync(string consumer, string entityType, IReadOnlyCollection<int> slots, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyDictionary<int, long>> FindPositionsAsync(
            string entityType, IReadOnlyCollection<int> slots, DateTimeOffset before, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task SaveCheckpointsAsync(string consumer, string entityType, IReadOnlyDictionary<int, long> positions, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
