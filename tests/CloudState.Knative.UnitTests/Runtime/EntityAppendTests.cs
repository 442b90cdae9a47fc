using System.Collections;
using System.Reflection;
using CloudState.Knative.Storage;
using Google.Protobuf;

namespace CloudState.Knative.UnitTests.Runtime;

public sealed class EntityAppendTests
{
    private static readonly EntityId Alice = new("cart", "alice");

    [Fact]
    public void MergedAppend_HasAllFactsOfAll()
    {
        EntityAppend[] appends = [Full(version: 0), Full(version: 1)];
        var facts = typeof(EntityAppend).GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .Where(property => typeof(ICollection).IsAssignableFrom(property.GetValue(appends[0])!.GetType()))
            .ToArray();
        Assert.NotEmpty(facts);

        var merged = EntityAppend.Merge(appends);

        Assert.All(facts, fact =>
        {
            object[] all = [.. appends.SelectMany(append => Items(fact, append))];
            Assert.True(all.Length == 2, $"The appends of this test have no {fact.Name}. Add one to each.");
            Assert.Equal(all, Items(fact, merged));
        });
    }

    [Fact]
    public void MergedAppend_HasTheLastWordOfEach()
    {
        EntityAppend[] appends =
        [
            Full(version: 0) with { Timers = [Timer("due", 1)], Orders = [new EventOrder("a", 5)], KeepCommands = 10 },
            Full(version: 1) with { Timers = [Timer("due", 2)], Orders = [new EventOrder("a", 4)], KeepCommands = null },
        ];

        var merged = EntityAppend.Merge(appends);

        Assert.Equal(appends[1].Timers, merged.Timers);
        Assert.Equal(appends[0].Orders, merged.Orders);
        Assert.Equal(10, merged.KeepCommands);
        Assert.Equal((0, 2), (merged.State.ExpectedVersion, merged.State.NewVersion));
    }

    private static IEnumerable<object> Items(PropertyInfo fact, EntityAppend append) => ((IEnumerable)fact.GetValue(append)!).Cast<object>();

    private static EntityAppend Full(long version) => new(Alice, new EventsChange(version, [$"event {version}"]))
    {
        Adopted = [version],
        Journal = [new JournalEntry(SlotNumber: 3, Position: version + 1, version + 1)],
        Commands = [new CommandRecord($"command {version}", "Carts/Add", Fingerprint: 1, StatusCode: 0, "", ByteString.Empty, DateTimeOffset.UnixEpoch)],
        KeepCommands = 100,
        Outbox = [new OutboxEntry(Guid.NewGuid(), Alice, SlotNumber: 3, "Mails/Send", ByteString.Empty)],
        Timers = [Timer($"timer {version}", version)],
        Orders = [new EventOrder($"stream {version}", 1)],
    };

    private static TimerChange Timer(string name, long due) => new(name, new StoredTimer(Guid.NewGuid(), Alice, 3, name, DateTimeOffset.UnixEpoch.AddSeconds(due), "Carts/Remind", ByteString.Empty));
}
