using CloudState.Knative.Protobuf;
using Weasel.Postgresql.Tables;

namespace CloudState.Knative.Marten.Sections;

/// <summary>All stored facts, in the order in which the statement and a session write them. Events come after what archives older ones, trimming after new records.</summary>
internal static class AppendSections
{
    public static IReadOnlyList<AppendSection> Create(string schema, StoredTypes types) =>
    [
        new StreamSection(schema),
        new DeletionSection(schema),
        new EventSection(schema, types),
        new AdoptionSection(schema),
        new JournalSection(schema),
        new SnapshotSection(schema, types),
        new ValueSection(schema, types),
        new ReplicaSection(schema),
        new RecordSection(schema),
        new TrimSection(schema),
        new OutboxSection(schema),
        new TimerSection(schema),
        new OrderSection(schema),
    ];

    public static IEnumerable<Table> TablesOf(IEnumerable<AppendSection> sections) => sections.SelectMany(section => section.Tables);
}
