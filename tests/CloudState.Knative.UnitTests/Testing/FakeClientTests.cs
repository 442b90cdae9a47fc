using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Testing;

public class FakeClientTests
{
    private readonly FakeClient<NoteService.NoteServiceClient> _notes = new();

    [Fact]
    public async Task Answer_IsTheReply_AndTheCallIsKept()
    {
        _notes.Answer("Write", (NoteText text) => new Note { Text = $"{text.Text}!" });

        var reply = await _notes.Client.WriteAsync(new NoteText { Note = "n", Text = "a" }, new Metadata { { "tenant", "blue" } });

        Assert.Equal("a!", reply.Text);
        var call = Assert.Single(_notes.Calls);
        Assert.Equal(("cloudstate.tests.notes.NoteService/Write", "n", "blue"), (call.Rpc, call.Message<NoteText>().Note, call.Metadata["tenant"]));
    }

    [Fact]
    public async Task ThrownStatus_FailsTheCall()
    {
        _notes.Answer("Write", Note (NoteText text) => throw new RpcException(new Status(StatusCode.NotFound, text.Note)));

        var failure = await Assert.ThrowsAsync<RpcException>(() => _notes.Client.WriteAsync(new NoteText { Note = "n" }).ResponseAsync);

        Assert.Equal((StatusCode.NotFound, "n"), (failure.StatusCode, failure.Status.Detail));
    }

    [Fact]
    public async Task AnswerAll_IsTheStream()
    {
        _notes.AnswerAll("Watch", (NoteKey key) => (Note[])[new() { Text = key.Note }, new() { Text = "b" }]);

        using var call = _notes.Client.Watch(new NoteKey { Note = "a" });
        var texts = await call.ResponseStream.ReadAllAsync().Select(note => note.Text).ToListAsync();

        Assert.Equal(["a", "b"], texts);
    }

    [Fact]
    public async Task CallWithoutAnAnswer_SaysWhatIsMissing()
    {
        var missing = await Assert.ThrowsAsync<TestKitException>(() => _notes.Client.AppendAsync(new NoteText()).ResponseAsync);

        Assert.Equal("The fake NoteServiceClient has no answer for Append. Give it one: Answer(\"Append\", …)", missing.Message);
    }

    [Fact]
    public void AnswerOfAnUnknownRpc_IsRefused()
    {
        var unknown = Assert.Throws<TestKitException>(() => _notes.Answer("Wriet", (NoteText text) => new Note { Text = text.Text }));

        Assert.Equal("NoteServiceClient has no rpc Wriet that takes a NoteText.", unknown.Message);
    }
}
