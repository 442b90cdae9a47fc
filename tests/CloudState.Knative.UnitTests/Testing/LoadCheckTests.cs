using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Testing;

/// <summary>Entities whose state in memory is not what a load gives.</summary>
public class LoadCheckTests
{
    private static readonly NoteText Write = new() { Note = "n" };
    private static readonly NoteText Append = new() { Note = "n", Text = "a" };

    [Fact]
    public async Task HandlerThatChangesTheStateItself_IsFound()
    {
        var note = EntityTestKit.Create(() => new NoteEntity { Writing = (state, _) => state.Text = "changed" }).Given("a");

        var found = await Assert.ThrowsAsync<TestKitException>(() => note.WhenAsync(Write, nameof(NoteEntity.Write)));

        Assert.Equal(
            """
            NoteEntity.Write leaves another state in memory than its events give when the entity is loaded.
              In memory: {"text":"changed"}
              Loaded:    {"text":"a"}
            Change the state in Apply methods only, and let them depend on nothing but the event and the state.
            """,
            found.Message);
    }

    [Fact]
    public async Task RejectingHandlerThatChangesTheState_IsFound()
    {
        var note = EntityTestKit.Create(() => new NoteEntity
        {
            Writing = (state, context) =>
            {
                state.Text = "changed";
                context.Fail("No.");
            },
        });

        await Assert.ThrowsAsync<TestKitException>(() => note.WhenAsync(Write, nameof(NoteEntity.Write)));
    }

    [Fact]
    public async Task ApplyThatLooksAtTheClock_IsFound()
    {
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromDays(1) };
        var note = EntityTestKit.Create(() => new NoteEntity { Applying = (state, _) => state.Text += time.GetUtcNow() });

        var found = await Assert.ThrowsAsync<TestKitException>(() => note.WhenAsync(Append, nameof(NoteEntity.Append)));

        Assert.StartsWith("NoteEntity.Append leaves another state in memory than its events give", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SnapshotThatLacksWhatApplyNeeds_IsFound()
    {
        var note = EntityTestKit.Create(() => new ForgetfulNoteEntity()).Given(new Written { Text = "a" });

        var found = await Assert.ThrowsAsync<TestKitException>(() => note.WhenAsync(Append, nameof(NoteEntity.Append)));

        Assert.Equal(
            """
            ForgetfulNoteEntity.Append leaves another state in memory than a snapshot and the events after it give.
              Snapshot before the command: {"text":"1a"}
              In memory after it: {"text":"1a2a"}
              Loaded:             {"text":"1a1a"}
            Let the snapshot have all that Apply methods look at.
            """,
            found.Message);
    }

    [Fact]
    public async Task SameEntityWithoutSnapshots_IsFine()
    {
        var note = EntityTestKit.Create(() => new ForgetfulButReplayedNoteEntity()).Given(new Written { Text = "a" });

        var result = await note.WhenAsync(Append, nameof(NoteEntity.Append));

        Assert.Equal("1a2a", result.State.Text);
    }

    [Fact]
    public async Task PlainStateWithoutSnapshots_IsCompared()
    {
        var fine = EntityTestKit.Create(() => new PlainNoteEntity());
        var faulty = EntityTestKit.Create(() => new PlainNoteEntity { Writing = state => state.Lines.Add("changed") });

        Assert.Equal(["a"], (await fine.WhenAsync(Append, nameof(NoteEntity.Append))).State.Lines);
        var found = await Assert.ThrowsAsync<TestKitException>(() => faulty.WhenAsync(Write, nameof(NoteEntity.Write)));

        Assert.Contains("""In memory: {"Lines":["changed"]}""", found.Message, StringComparison.Ordinal);
    }

    [EventSourcedEntity<NoteService.NoteServiceBase>("forgetful-note")]
    public sealed class ForgetfulNoteEntity : NoteEntity
    {
        public ForgetfulNoteEntity()
        {
            var count = 0;
            Applying = (state, written) => state.Text += $"{++count}{written.Text}";
        }
    }

    [EventSourcedEntity<NoteService.NoteServiceBase>("replayed-note", SnapshotEvery = -1)]
    public sealed class ForgetfulButReplayedNoteEntity : NoteEntity
    {
        public ForgetfulButReplayedNoteEntity()
        {
            var count = 0;
            Applying = (state, written) => state.Text += $"{++count}{written.Text}";
        }
    }

    public sealed class Lined
    {
        public List<string> Lines { get; } = [];
    }

    [EventSourcedEntity<NoteService.NoteServiceBase>("plain-note", SnapshotEvery = -1)]
    public sealed class PlainNoteEntity : EventSourcedEntity<Lined>
    {
        public Action<Lined> Writing { get; init; } = _ => { };

        public Note Write(NoteText command)
        {
            Writing(State);
            return new Note();
        }

        public Note Append(NoteText command, CommandContext context)
        {
            context.Emit(command.Text);
            return new Note();
        }

        public Note Watch(NoteKey command) => new();

        public void Apply(string line) => State.Lines.Add(line);
    }
}
