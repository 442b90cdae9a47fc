using System.Text.Json.Serialization;
using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;

namespace CloudState.Knative.UnitTests.Testing;

public partial class ValueTestKitTests
{
    private static readonly NoteText Append = new() { Note = "n", Text = "b" };

    [Fact]
    public async Task UpdatedState_IsSeenByTheNextCommand()
    {
        var note = EntityTestKit.Create(() => new NoteValueEntity(), "n").GivenState(new Note { Text = "a" });

        var first = await note.WhenAsync(Append, nameof(NoteValueEntity.Append));
        var second = await note.WhenAsync(Append, nameof(NoteValueEntity.Append));

        Assert.Equal(("ab", "abb"), (first.State.Text, second.State.Text));
        Assert.Equal("abb", second.Reply<Note>().Text);
        Assert.Empty(second.Events);
    }

    [Fact]
    public async Task DeletedState_IsGone()
    {
        var note = EntityTestKit.Create(() => new NoteValueEntity()).GivenState(new Note { Text = "a" });

        var deleted = await note.WhenAsync(new NoteText { Note = "n" }, nameof(NoteValueEntity.Write));
        var written = await note.WhenAsync(Append, nameof(NoteValueEntity.Append));

        Assert.True(deleted.IsDeleted);
        Assert.Equal(new Note(), deleted.State);
        Assert.False(written.IsDeleted);
        Assert.Equal("b", written.State.Text);
    }

    [Fact]
    public async Task ChangeWithoutUpdate_IsFound_AlthoughTheReplyIsRight()
    {
        var forgetful = EntityTestKit.Create(() => new ForgetfulEntity(), "n").GivenState(new Note { Text = "a" });

        var found = await Assert.ThrowsAsync<TestKitException>(() => forgetful.WhenAsync(Append, nameof(ForgetfulEntity.Append)));
        var unchanged = await forgetful.WhenAsync(new NoteKey { Note = "n" });

        Assert.Contains("ForgetfulEntity.Append has changed the state, but has not called Update after that: the change is lost.", found.Message, StringComparison.Ordinal);
        Assert.Contains("Call Update with the new state, or change a copy of your own.", found.Message, StringComparison.Ordinal);
        Assert.Equal("a", unchanged.Reply<Note>().Text);
    }

    [Fact]
    public async Task ChangeOfARejectedCommand_IsNoMistake()
    {
        var forgetful = EntityTestKit.Create(() => new ForgetfulEntity(), "n").GivenState(new Note { Text = "a" });

        Assert.NotNull((await forgetful.WhenAsync(Append, nameof(ForgetfulEntity.Write))).Failure);
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("throw")]
    public async Task UpdateOfAFailedCommand_IsUndone(string text)
    {
        var note = EntityTestKit.Create(() => new NoteValueEntity()).GivenState(new Note { Text = "a" });

        var failure = await Record.ExceptionAsync(() => note.WhenAsync(new NoteText { Note = "n", Text = text }, nameof(NoteValueEntity.Append)));

        Assert.Equal(text == "throw", failure is InvalidDataException);
        Assert.Equal("a", note.State.Text);
        Assert.Equal("a", (await note.WhenAsync(new NoteKey { Note = "n" })).Reply<Note>().Text);
    }

    [Fact]
    public async Task StateThatLosesSomething_IsFound()
    {
        var shelf = EntityTestKit.Create(() => new ShelfEntity(), json: ShelfJson.Default);

        Assert.Throws<TestKitException>(() => shelf.GivenState(new Shelf(7)));
        var found = await Assert.ThrowsAsync<TestKitException>(() => shelf.WhenAsync(Append, nameof(ShelfEntity.Append)));

        Assert.Contains("The state CloudState.Knative.UnitTests.Testing.ValueTestKitTests+Shelf does not come back", found.Message, StringComparison.Ordinal);
    }

    [ValueEntity<NoteService.NoteServiceBase>("note-value")]
    public sealed class NoteValueEntity : ValueEntity<Note>
    {
        public Note Write(NoteText command, CommandContext context)
        {
            context.Delete();
            return State;
        }

        public Note Append(NoteText command, CommandContext context)
        {
            Update(new Note { Text = State.Text + command.Text });
            switch (command.Text)
            {
                case "fail":
                    context.Fail("No.");
                    break;
                case "throw":
                    throw new InvalidDataException();
            }

            return State;
        }

        public Note Watch(NoteKey command) => State;
    }

    public sealed class Shelf(int size)
    {
        public Shelf()
            : this(0)
        {
        }

        public int Size { get; } = size;
    }

    [JsonSerializable(typeof(Shelf))]
    private sealed partial class ShelfJson : JsonSerializerContext;

    [ValueEntity<NoteService.NoteServiceBase>("forgetful")]
    public sealed class ForgetfulEntity : ValueEntity<Note>
    {
        public Note Write(NoteText command, CommandContext context)
        {
            State.Text += command.Text;
            throw context.Fail("No.");
        }

        public Note Append(NoteText command)
        {
            State.Text += command.Text;
            return State;
        }

        public Note Watch(NoteKey command) => State;
    }

    [ValueEntity<NoteService.NoteServiceBase>("shelf")]
    public sealed class ShelfEntity : ValueEntity<Shelf>
    {
        public Note Write(NoteText command) => new();

        public Note Append(NoteText command)
        {
            Update(new Shelf(7));
            return new Note();
        }

        public Note Watch(NoteKey command) => new();
    }
}
