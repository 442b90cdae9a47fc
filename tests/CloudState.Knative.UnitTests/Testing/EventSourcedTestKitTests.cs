using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;
using CloudState.Knative.UnitTests.Protos;
using CloudState.Knative.UnitTests.Runtime;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Testing;

public class EventSourcedTestKitTests
{
    private static readonly NoteText Write = new() { Note = "n" };
    private static readonly string WriteHandler = nameof(NoteEntity.Write);

    [Fact]
    public async Task Commands_SeeWhatThoseBeforeThemDid()
    {
        var counter = EntityTestKit.Create(() => new CounterEntity());

        await counter.WhenAsync(new Addition { Counter = "c", Amount = 2 });
        var result = await counter.WhenAsync(new Addition { Counter = "c", Amount = 3 });

        Assert.Equal([new Added { Amount = 3 }], result.Events);
        Assert.Equal(new Total { Value = 5 }, result.Reply<Total>());
        Assert.Equal(new Total { Value = 5 }, counter.State);
    }

    [Theory]
    [InlineData("fail", StatusCode.OutOfRange, "Not today.")]
    [InlineData("fail-after-emit", StatusCode.FailedPrecondition, "Too late.")]
    public async Task RejectedCommand_LeavesNothing(string behaviour, StatusCode code, string message)
    {
        var counter = EntityTestKit.Create(() => new CounterEntity()).Given(new Added { Amount = 2 });

        var result = await counter.WhenAsync(new Addition { Counter = "c", Amount = 3, Behaviour = behaviour });

        Assert.Equal((code, message), (result.Failure?.StatusCode, result.Failure?.Detail));
        Assert.Empty(result.Events);
        Assert.Equal(2, result.State.Value);
        Assert.Contains("failed with " + code, Assert.Throws<TestKitException>(result.Reply<Total>).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("throw", typeof(InvalidDataException), "secret")]
    [InlineData("throw-after-emit", typeof(InvalidDataException), "secret")]
    [InlineData("unhandled", typeof(InvalidOperationException), "CounterEntity has no event handler for Unhandled.")]
    [InlineData("null", typeof(InvalidOperationException), "CounterEntity.Add returned null.")]
    public async Task FailingHandler_Surfaces_AndTheEntityIsAsBefore(string behaviour, Type failure, string message)
    {
        var counter = EntityTestKit.Create(() => new CounterEntity()).Given(new Added { Amount = 2 });

        var surfaced = await Assert.ThrowsAsync(failure, () => counter.WhenAsync(new Addition { Counter = "c", Amount = 3, Behaviour = behaviour }));

        Assert.StartsWith(message, surfaced.Message, StringComparison.Ordinal);
        Assert.Equal(2, counter.State.Value);
        Assert.Equal(2, (await counter.WhenAsync(new Question { Counter = "c" })).Reply<Total>().Value);
    }

    [Fact]
    public async Task Handler_SeesMetadataCommandIdAndCancellation()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        CommandContext? seen = null;
        var note = EntityTestKit.Create(() => new NoteEntity { Writing = (_, context) => seen = context });

        await note.WhenAsync(Write, WriteHandler, new TestCall { CommandId = "7", Metadata = { new("tenant", "blue") }, CancellationToken = cancelled.Token });

        Assert.Equal(("n", "7", "blue", true), (seen!.Key, seen.CommandId, seen.Metadata["Tenant"], seen.CancellationToken.IsCancellationRequested));
    }

    [Fact]
    public async Task EffectsForwardAndReplyMetadata_AreInTheResult()
    {
        var note = EntityTestKit.Create(() => new NoteEntity
        {
            Writing = (state, context) =>
            {
                context.ReplyMetadata.Add("etag", "1");
                context.Call((ClerkService.ClerkServiceClient clerk) => clerk.CopyAsync(new Note { Text = "first" }));
                context.CallAndWait((ClerkService.ClerkServiceClient clerk) => clerk.CopyAsync(new Note { Text = "second" }));
                if (context.Metadata["forward"] is not null)
                {
                    context.ReplyFrom((ClerkService.ClerkServiceClient clerk) => clerk.CopyAsync(new Note { Text = "forwarded" }, new Metadata { { "forward", "yes" } }));
                }
            },
        });

        var replied = await note.WhenAsync(Write, WriteHandler);
        var forwarded = await note.WhenAsync(Write, WriteHandler, new TestCall { Metadata = { new("forward", "yes") } });

        Assert.Equal(["first", "second"], replied.Calls.Select(effect => effect.Message<Note>().Text));
        Assert.Equal([false, true], replied.Calls.Select(effect => effect.IsSynchronous));
        Assert.All(replied.Calls, effect => Assert.Equal("cloudstate.tests.notes.ClerkService/Copy", effect.Rpc));
        Assert.Equal([new("etag", "1")], replied.ReplyMetadata);
        Assert.Null(replied.ReplyFrom);
        Assert.Equal(("forwarded", "yes"), (forwarded.ReplyFrom!.Message<Note>().Text, forwarded.ReplyFrom.Metadata["forward"]));
        Assert.Equal(2, forwarded.Calls.Count);
        Assert.Empty(forwarded.ReplyMetadata);
        Assert.Contains("left the reply to cloudstate.tests.notes.ClerkService/Copy", Assert.Throws<TestKitException>(forwarded.Reply<Note>).Message, StringComparison.Ordinal);
        Assert.Contains("with a CloudState.Knative.UnitTests.Notes.Note, not with a CloudState.Knative.UnitTests.Notes.Written", Assert.Throws<TestKitException>(forwarded.ReplyFrom.Message<Written>).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RejectedCommand_HasNoEffectsAndNoForward()
    {
        var note = EntityTestKit.Create(() => new NoteEntity
        {
            Writing = (state, context) =>
            {
                context.Call((ClerkService.ClerkServiceClient clerk) => clerk.CopyAsync(new Note()));
                context.ReplyFrom((ClerkService.ClerkServiceClient clerk) => clerk.CopyAsync(new Note()));
                context.Fail("No.");
            },
        });

        var result = await note.WhenAsync(Write, WriteHandler);

        Assert.Empty(result.Calls);
        Assert.Null(result.ReplyFrom);
        Assert.Equal("No.", result.Failure?.Detail);
    }

    [Fact]
    public async Task Rejection_EndsTheHandler_AndStandsWhateverTheHandlerDoesThen()
    {
        var (ran, later) = (new List<string>(), (Action)(() => { }));
        var note = EntityTestKit.Create(() => new NoteEntity
        {
            Writing = (_, context) =>
            {
                try
                {
                    context.Emit(new Written { Text = "a" });
                    context.Fail("No.", StatusCode.NotFound);
                    ran.Add("after Fail");
                }
                catch (Exception)
                {
                    later();
                }
            },
        });

        var swallowed = await note.WhenAsync(Write, WriteHandler);
        later = () => throw new InvalidDataException();
        var replaced = await note.WhenAsync(Write, WriteHandler);

        Assert.Empty(ran);
        Assert.All([swallowed, replaced], result =>
        {
            Assert.Equal((StatusCode.NotFound, "No."), (result.Failure?.StatusCode, result.Failure?.Detail));
            Assert.Empty(result.Events);
            Assert.Equal("", result.State.Text);
        });
    }

    [Fact]
    public async Task DeletedEntity_StartsAnew()
    {
        var note = EntityTestKit.Create(() => new NoteEntity { Writing = (_, context) => context.Delete() }).Given(new Written { Text = "a" });

        var deleted = await note.WhenAsync(Write, WriteHandler);
        var written = await note.WhenAsync(new NoteText { Note = "n", Text = "b" }, nameof(NoteEntity.Append));

        Assert.True(deleted.IsDeleted);
        Assert.Equal([new EntityDeleted()], deleted.Events);
        Assert.Equal("", deleted.State.Text);
        Assert.False(written.IsDeleted);
        Assert.Equal("b", written.State.Text);
    }

    [Fact]
    public async Task StreamingHandler_Answers_AndChangesTheEntityOnlyAtFirst()
    {
        var reading = EntityTestKit.Create(() => new NoteEntity()).Given(new Written { Text = "a" });
        var writing = EntityTestKit.Create(() => new NoteEntity { Writing = (_, context) => context.Emit(new Written { Text = "a" }) });

        Assert.Equal("a", (await reading.WhenAsync(new NoteKey { Note = "n" })).Reply<Note>().Text);
        await writing.WhenAsync(new NoteKey { Note = "n" });
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => writing.WhenAsync(new NoteKey { Note = "n" }));

        Assert.StartsWith("NoteEntity.Watch changed the entity", refused.Message, StringComparison.Ordinal);
        Assert.Equal("a", writing.State.Text);
        var missing = await Assert.ThrowsAsync<TestKitException>(() => writing.WhenCallerLeavesAsync(new NoteKey { Note = "n" }));
        Assert.Equal("NoteEntity has no method WatchEnded, which would be called when a caller leaves the stream.", missing.Message);
    }

    [Fact]
    public async Task CallerOfAStream_ComesAndLeaves()
    {
        var audience = EntityTestKit.Create(() => new AudienceEntity());
        var watch = new Question { Counter = "c" };

        Assert.Equal(1, (await audience.WhenAsync(watch, nameof(AudienceEntity.Watch))).Reply<Total>().Value);
        Assert.Equal(1, (await audience.WhenAsync(watch, nameof(AudienceEntity.Watch))).Reply<Total>().Value);
        await audience.WhenCallerLeavesAsync(watch, nameof(AudienceEntity.Watch));

        Assert.Equal(0, audience.State.Value);
    }

    [Fact]
    public async Task GivenEvents_MayBePrimitiveOldOrRenamed()
    {
        var note = EntityTestKit.Create(() => new NoteEntity())
            .Given(new Written { Text = "a" }, "b", new WrittenOnce { Words = "c" })
            .GivenStored("p.cloudstate.io/string", "\"d\"")
            .GivenStored("cloudstate.tests.notes.Scribbled", "\"e\"")
            .GivenStored("cloudstate.tests.notes.WrittenOnce", """{"words":"f"}""");

        var result = await note.WhenAsync(new NoteText { Note = "n", Text = "g" }, nameof(NoteEntity.Append));

        Assert.Equal("abcdefg", result.State.Text);
    }

    [Fact]
    public async Task GivenSnapshot_TakesThePlaceOfWhatWasThere()
    {
        var note = EntityTestKit.Create(() => new NoteEntity()).Given("lost").GivenSnapshot(new Note { Text = "a" }).Given("b");

        var result = await note.WhenAsync(new NoteText { Note = "n", Text = "c" }, nameof(NoteEntity.Append));

        Assert.Equal("abc", result.State.Text);
    }

    [EventSourcedEntity<WatchedCounters.WatchedCountersBase>("audience")]
    public sealed class AudienceEntity : EventSourcedEntity<Total>
    {
        public Total Read(Question query) => State;

        public Total? Watch(Question command, CommandContext context)
        {
            if (context.Stream.IsFirst)
            {
                context.Emit(new Added { Amount = 1 });
            }

            return State;
        }

        public void WatchEnded(Question command, CommandContext context) => context.Emit(new Added { Amount = -1 });

        public void Apply(Added added) => State.Value += added.Amount;
    }
}
