using CloudState.Knative.Testing;
using CloudState.Knative.UnitTests.Notes;
using CloudState.Knative.UnitTests.Protos;
using CloudState.Knative.UnitTests.Runtime;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Testing;

/// <summary>What is wrong with a test is said precisely.</summary>
public class TestFaultTests
{
    [Fact]
    public async Task CommandForAnotherEntity_IsRefused()
    {
        var counter = EntityTestKit.Create(() => new CounterEntity(), "c");

        await RefusedAsync("Question is for the entity 'd' (counter), but this is the test kit of 'c'.", () => counter.WhenAsync(new Question { Counter = "d" }));
    }

    [Fact]
    public async Task FirstCommand_NamesTheEntity()
    {
        var counter = EntityTestKit.Create(() => new CounterEntity());
        await counter.WhenAsync(new Question { Counter = "c" });

        await RefusedAsync("Question is for the entity 'd'", () => counter.WhenAsync(new Question { Counter = "d" }));
    }

    [Fact]
    public Task CommandWithoutKey_IsRefused() =>
        RefusedAsync("Question has no entity key: counter is empty.", () => EntityTestKit.Create(() => new CounterEntity()).WhenAsync(new Question()));

    [Fact]
    public Task CommandOfNoRpc_IsRefused() =>
        RefusedAsync("CounterEntity has no handler for Total. It has: Add(Addition) -> Total, Read(Question) -> Total.", () => EntityTestKit.Create(() => new CounterEntity()).WhenAsync(new Total()));

    [Fact]
    public Task HandlerOfAnotherName_IsRefused() =>
        RefusedAsync("CounterEntity has no handler Read for Addition.", () => EntityTestKit.Create(() => new CounterEntity()).WhenAsync(new Addition { Counter = "c" }, nameof(CounterEntity.Read)));

    [Fact]
    public Task CommandOfSeveralRpcs_IsRefused() => RefusedAsync(
        "NoteEntity has several handlers for NoteText: Write(NoteText) -> Note, Append(NoteText) -> Note. Name the one that is meant: handler: nameof(NoteEntity.Write)",
        () => EntityTestKit.Create(() => new NoteEntity()).WhenAsync(new NoteText { Note = "n" }));

    [Fact]
    public async Task UsedCommandId_IsRefused_UnlessTheCommandWasToBeTriedAgain()
    {
        var (code, call) = (StatusCode.Unavailable, new TestCall { CommandId = "7" });
        var note = EntityTestKit.Create(() => new NoteEntity { Writing = (_, context) => context.Fail("No.", code) });

        await note.WhenAsync(new NoteText { Note = "n" }, nameof(NoteEntity.Write), call);
        code = StatusCode.NotFound;
        await note.WhenAsync(new NoteText { Note = "n" }, nameof(NoteEntity.Write), call);

        await RefusedAsync("The command id '7' was used before.", () => note.WhenAsync(new NoteText { Note = "n" }, nameof(NoteEntity.Write), call));
    }

    [Fact]
    public async Task StatusThatAHandlerThrows_IsItsRejection()
    {
        var note = EntityTestKit.Create(() => new NoteEntity { Writing = (_, _) => throw new RpcException(new Status(StatusCode.NotFound, "No.")) });

        var result = await note.WhenAsync(new NoteText { Note = "n" }, nameof(NoteEntity.Write));

        Assert.Equal((StatusCode.NotFound, "No."), (result.Failure?.StatusCode, result.Failure?.Detail));
    }

    [Fact]
    public void UnknownEvent_IsRefused() => Refused(
        "CloudState.Knative.UnitTests.Protos.Unhandled is no event of CounterEntity. Add: public void Apply(Unhandled @event)", () => EntityTestKit.Create(() => new CounterEntity()).Given(new Unhandled()));

    [Fact]
    public void StateAsEvent_IsRefused() => Refused(
        "an event of type CloudState.Knative.UnitTests.Protos.Total, which CounterEntity has no handler for", () => EntityTestKit.Create(() => new CounterEntity()).Given(new Total()));

    [Fact]
    public void UnknownStoredType_IsRefused() => Refused(
        "The store holds a value of type 'some.Event', which no entity of this service handles.", () => EntityTestKit.Create(() => new CounterEntity()).GivenStored("some.Event", "{}"));

    [Fact]
    public void SnapshotOfAnotherType_IsRefused() => Refused(
        "CloudState.Knative.UnitTests.Protos.Added is no snapshot of CounterEntity, which are of type CloudState.Knative.UnitTests.Protos.Total.",
        () => EntityTestKit.Create(() => new CounterEntity()).GivenSnapshot(new Added()));

    [Fact]
    public void FactoryOfOneInstance_IsRefused()
    {
        var only = new CounterEntity();

        Refused("The factory has returned the same CounterEntity twice.", () => EntityTestKit.Create(() => only));
    }

    [Fact]
    public async Task ReplyOfAnotherType_IsRefused()
    {
        var result = await EntityTestKit.Create(() => new CounterEntity()).WhenAsync(new Question { Counter = "c" });

        Refused("CounterEntity.Read has replied with a CloudState.Knative.UnitTests.Protos.Total, not with a CloudState.Knative.UnitTests.Protos.Added.", () => result.Reply<Added>());
    }

    private static void Refused(string message, Func<object> act) => Assert.Contains(message, Assert.Throws<TestKitException>(act).Message, StringComparison.Ordinal);

    private static async Task RefusedAsync(string message, Func<Task> act) =>
        Assert.Contains(message, (await Assert.ThrowsAsync<TestKitException>(act)).Message, StringComparison.Ordinal);
}
