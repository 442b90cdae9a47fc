using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;

namespace CloudState.Knative.UnitTests.Testing;

public sealed class CrdtTestKitTests
{
    [Fact]
    public async Task WhatACommandAdds_IsSeenByTheNextOne()
    {
        var words = EntityTestKit.Create(() => new WordsEntity());

        await words.WhenAsync(new NoteText { Note = "n", Text = "b" }, nameof(WordsEntity.Write));
        var result = await words.WhenAsync(new NoteText { Note = "n", Text = "a" }, nameof(WordsEntity.Write));

        Assert.Equal("ab", result.Reply<Note>().Text);
        Assert.Equal(["a", "b"], words.State);
        Assert.False(result.IsDeleted);
    }

    [Fact]
    public async Task GivenState_IsWhatTheNextCommandChanges()
    {
        var given = new ORSet<string>();
        given.Add("x");
        var words = EntityTestKit.Create(() => new WordsEntity()).GivenState(given);

        var result = await words.WhenAsync(new NoteText { Note = "n", Text = "y" }, nameof(WordsEntity.Write));

        Assert.Equal("xy", result.Reply<Note>().Text);
        Assert.Throws<ArgumentException>(() => words.GivenState(words.State));
    }

    [Fact]
    public async Task DeletedState_IsGone()
    {
        var words = EntityTestKit.Create(() => new WordsEntity());
        await words.WhenAsync(new NoteText { Note = "n", Text = "b" }, nameof(WordsEntity.Write));

        var deleted = await words.WhenAsync(new NoteText { Note = "n" }, nameof(WordsEntity.Append));
        var written = await words.WhenAsync(new NoteText { Note = "n", Text = "c" }, nameof(WordsEntity.Write));

        Assert.True(deleted.IsDeleted);
        Assert.Equal("c", written.Reply<Note>().Text);
    }

    [Fact]
    public async Task FailedCommand_ChangesNothing()
    {
        var words = EntityTestKit.Create(() => new WordsEntity(), "n");

        await Assert.ThrowsAsync<InvalidOperationException>(() => words.WhenAsync(new NoteText { Note = "n" }, nameof(WordsEntity.Write)));
        Assert.Empty(words.State);

        var kept = words.State;
        Assert.Contains("in a command handler", Assert.Throws<InvalidOperationException>(() => kept.Add("later")).Message, StringComparison.Ordinal);
    }

    [CrdtEntity<NoteService.NoteServiceBase>("words")]
    private sealed class WordsEntity : CrdtEntity<ORSet<string>>
    {
        public Note Write(NoteText command)
        {
            State.Add(command.Text);
            return command.Text.Length == 0 ? throw new InvalidOperationException("nothing") : Read();
        }

        public Note Append(NoteText command, CommandContext context)
        {
            context.Delete();
            return Read();
        }

        public Note Watch(NoteKey query) => Read();

        private Note Read() => new() { Text = string.Concat(State) };
    }
}
