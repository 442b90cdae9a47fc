using CloudState.Knative.UnitTests.Notes;

namespace CloudState.Knative.UnitTests.Testing;

/// <summary>Does what the test says.</summary>
[EventSourcedEntity<NoteService.NoteServiceBase>("note")]
public class NoteEntity : EventSourcedEntity<Note>
{
    public Action<Note, CommandContext> Writing { get; init; } = (_, _) => { };

    public Action<Note, Written> Applying { get; init; } = (state, written) => state.Text += written.Text;

    public Note Write(NoteText command, CommandContext context)
    {
        Writing(State, context);
        return State;
    }

    public Note Append(NoteText command, CommandContext context)
    {
        context.Emit(new Written { Text = command.Text });
        return State;
    }

    public Note Watch(NoteKey command, CommandContext context) => Write(new NoteText(), context);

    public void Apply(Written written) => Applying(State, written);

    [FormerName("cloudstate.tests.notes.Scribbled")]
    public void Apply(string text) => State.Text += text;

    public Written Upcast(WrittenOnce once) => new() { Text = once.Words };
}
