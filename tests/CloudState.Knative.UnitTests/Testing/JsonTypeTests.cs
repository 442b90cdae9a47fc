using System.Text.Json.Serialization;
using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;

namespace CloudState.Knative.UnitTests.Testing;

/// <summary>Entities that store classes as JSON.</summary>
public partial class JsonTypeTests
{
    private static readonly NoteText Append = new() { Note = "n", Text = "a" };

    [Fact]
    public async Task JsonEventsAndSnapshots_AreStored()
    {
        var note = EntityTestKit.Create(() => new JsonNoteEntity(), json: NoteJson.Default)
            .GivenSnapshot(new Page(["x"]))
            .Given(new LineAdded { Line = "y" })
            .GivenStored("json.cloudstate.io/CloudState.Knative.UnitTests.Testing.JsonTypeTests+LineAdded", """{"Line":"z"}""");

        var result = await note.WhenAsync(Append, nameof(NoteEntity.Append));

        Assert.Equal(["x", "y", "z", "a"], result.State);
        Assert.Equal("a", Assert.IsType<LineAdded>(Assert.Single(result.Events)).Line);
    }

    [Fact]
    public void EventThatLosesSomething_IsFound()
    {
        var note = EntityTestKit.Create(() => new JsonNoteEntity(), json: NoteJson.Default);

        var found = Assert.Throws<TestKitException>(() => note.Given(new LineRemoved(3)));

        Assert.Equal(
            """
            The event CloudState.Knative.UnitTests.Testing.JsonTypeTests+LineRemoved does not come back from the store as it was.
              Written:   {"Number":3}
              Read back: {"Number":0}
            Give what its JSON leaves out a public setter or a constructor parameter.
            """,
            found.Message);
    }

    [Fact]
    public async Task EmittedEventThatLosesSomething_IsFound()
    {
        var note = EntityTestKit.Create(() => new JsonNoteEntity(), json: NoteJson.Default);

        await Assert.ThrowsAsync<TestKitException>(() => note.WhenAsync(Append, nameof(NoteEntity.Write)));
    }

    [Fact]
    public void MissingJson_IsNamed()
    {
        var found = Assert.Throws<TestKitException>(() => EntityTestKit.Create(() => new JsonNoteEntity()));

        Assert.Contains("JsonNoteEntity stores CloudState.Knative.UnitTests.Testing.JsonTypeTests+LineAdded as JSON, but nothing says how.", found.Message, StringComparison.Ordinal);
    }

    public sealed class LineAdded
    {
        public string Line { get; set; } = "";
    }

    public sealed class LineRemoved
    {
        public LineRemoved()
        {
        }

        public LineRemoved(int number) => Number = number;

        public int Number { get; }
    }

    public sealed record Page(IReadOnlyList<string> Lines);

    [JsonSerializable(typeof(LineAdded))]
    [JsonSerializable(typeof(LineRemoved))]
    [JsonSerializable(typeof(Page))]
    private sealed partial class NoteJson : JsonSerializerContext;

    [EventSourcedEntity<NoteService.NoteServiceBase>("json-note")]
    public sealed class JsonNoteEntity : EventSourcedEntity<List<string>>
    {
        public Note Write(NoteText command, CommandContext context)
        {
            context.Emit(new LineRemoved(1));
            return new Note();
        }

        public Note Append(NoteText command, CommandContext context)
        {
            context.Emit(new LineAdded { Line = command.Text });
            return new Note();
        }

        public Note Watch(NoteKey command) => new();

        public void Apply(LineAdded added) => State.Add(added.Line);

        public void Apply(LineRemoved removed) => State.RemoveAll(line => line.Length == removed.Number);

        public Page Snapshot() => new([.. State]);

        public void Restore(Page page) => State = [.. page.Lines];
    }
}
