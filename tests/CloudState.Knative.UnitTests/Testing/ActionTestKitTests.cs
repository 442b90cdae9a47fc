using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Testing;

public class ActionTestKitTests
{
    private readonly ActionTestKit _clerk = ActionTestKit.Create(() => new ClerkAction());

    [Fact]
    public async Task UnaryCall_HasReplyEffectsAndMetadata()
    {
        var result = await _clerk.WhenAsync(new Note { Text = "effect" }, call: new TestCall { CommandId = "7", Metadata = { new("tenant", "blue") } });

        Assert.Equal("effect 7 blue", result.Reply<Note>().Text);
        Assert.Equal([new("copied", "yes")], result.ReplyMetadata);
        Assert.Equal(("cloudstate.tests.notes.NoteService/Write", "effect"), (Assert.Single(result.Calls).Rpc, result.Calls[0].Message<NoteText>().Text));
    }

    [Fact]
    public async Task Failure_KeepsEffects()
    {
        var result = await _clerk.WhenAsync(new Note { Text = "fail" });

        Assert.Equal(StatusCode.NotFound, result.Failure?.StatusCode);
        Assert.Single(result.Calls);
        Assert.Throws<TestKitException>(result.Reply<Note>);
    }

    [Theory]
    [InlineData("fail-swallow")]
    [InlineData("fail-throw")]
    [InlineData("fail-status")]
    public async Task Rejection_StandsWhateverTheHandlerDoesThen(string text)
    {
        var result = await _clerk.WhenAsync(new Note { Text = text });
        var streamed = await _clerk.WhenStreamed(new Note { Text = $"a {text} b" }).ToListAsync();

        Assert.Equal((StatusCode.NotFound, "No."), (result.Failure?.StatusCode, result.Failure?.Detail));
        Assert.Equal([null, "No."], streamed.Select(answer => answer.Failure?.Detail));
    }

    [Fact]
    public async Task Forward_IsInTheResult()
    {
        var result = await _clerk.WhenAsync(new Note { Text = "forward" });

        Assert.Equal("cloudstate.tests.notes.ClerkService/Copy", result.ReplyFrom?.Rpc);
        Assert.True(result.ReplyFrom?.IsSynchronous);
    }

    [Theory]
    [InlineData("throw", typeof(InvalidDataException))]
    [InlineData("null", typeof(InvalidOperationException))]
    public async Task FailingHandler_Surfaces(string text, Type failure) => await Assert.ThrowsAsync(failure, () => _clerk.WhenAsync(new Note { Text = text }));

    [Fact]
    public async Task StreamedInCall_HasOneReply()
    {
        var result = await _clerk.WhenAsync(Notes("a", "b"));

        Assert.Equal("ab", result.Reply<Note>().Text);
    }

    [Fact]
    public async Task StreamedOutCall_HasAnswersWithTheirEffects()
    {
        var results = await _clerk.WhenStreamed(new Note { Text = "a effect b" }).ToListAsync();

        Assert.Equal(["a", "effect", "b"], results.Select(result => result.Reply<Note>().Text.Trim()));
        Assert.Equal([0, 1, 0], results.Select(result => result.Calls.Count));
    }

    [Fact]
    public async Task Failure_EndsAStream()
    {
        var results = await _clerk.WhenStreamed(new Note { Text = "a fail b" }).ToListAsync();

        Assert.Equal([null, StatusCode.NotFound], results.Select(result => result.Failure?.StatusCode));
    }

    [Fact]
    public async Task DuplexCall_AnswersAsTheMessagesCome_AndWhatIsAskedForAtTheEndIsLast()
    {
        var results = await _clerk.WhenStreamed(Notes("a", "b")).ToListAsync();

        Assert.Equal(["a", "b"], results.Take(2).Select(result => result.Reply<Note>().Text.Trim()));
        Assert.Single(results[2].Calls);
        Assert.Contains("ClerkAction.Chat has requested calls after its last reply.", Assert.Throws<TestKitException>(results[2].Reply<Note>).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MessageOfNoRpc_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<TestKitException>(() => _clerk.WhenAsync(new NoteText()));

        Assert.Equal(
            "ClerkAction has no handler for NoteText that replies once. It has: Copy(Note) -> Note, Collect(stream Note) -> Note, Split(Note) -> stream Note, Chat(stream Note) -> stream Note.",
            refused.Message);
    }

    private static IAsyncEnumerable<Note> Notes(params string[] texts) => texts.Select(text => new Note { Text = text }).ToAsyncEnumerable();

    [Action<ClerkService.ClerkServiceBase>]
    public sealed class ClerkAction
    {
        public Note? Copy(Note note, ActionContext context)
        {
            if (note.Text is "effect" or "fail")
            {
                context.Call((NoteService.NoteServiceClient notes) => notes.WriteAsync(new NoteText { Note = "n", Text = note.Text }));
            }

            switch (note.Text)
            {
                case "fail":
                    context.Fail("No.", StatusCode.NotFound);
                    break;
                case "fail-swallow" or "fail-throw":
                    try
                    {
                        context.Fail("No.", StatusCode.NotFound);
                    }
                    catch (Exception) when (note.Text == "fail-swallow")
                    {
                    }
                    catch (Exception rejected)
                    {
                        throw new InvalidDataException("Replaced.", rejected);
                    }

                    break;
                case "fail-status":
                    throw new RpcException(new Status(StatusCode.NotFound, "No."));
                case "forward":
                    context.ReplyFrom((ClerkService.ClerkServiceClient clerk) => clerk.CopyAsync(note));
                    break;
                case "throw":
                    throw new InvalidDataException();
                case "null":
                    return null;
                default:
                    context.ReplyMetadata.Add("copied", "yes");
                    break;
            }

            return new Note { Text = $"{note.Text} {context.CommandId} {context.Metadata["tenant"]}" };
        }

        public async Task<Note> Collect(IAsyncEnumerable<Note> notes) => new() { Text = string.Concat(await notes.Select(note => note.Text).ToArrayAsync()) };

        public IAsyncEnumerable<Note> Split(Note note, ActionContext context) => note.Text.Split(' ').ToAsyncEnumerable().Select(text => Copy(new Note { Text = text }, context)!);

        public async IAsyncEnumerable<Note> Chat(IAsyncEnumerable<Note> notes, ActionContext context)
        {
            await foreach (var note in notes)
            {
                yield return Copy(note, context)!;
            }

            context.Call((NoteService.NoteServiceClient service) => service.WriteAsync(new NoteText { Note = "n" }));
        }
    }
}
