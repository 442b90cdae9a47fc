using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Runtime;

public sealed class CommandIdTests : IAsyncDisposable
{
    private readonly RuntimeFixture _fixture = new(options => options.MaxCommandIds = 20);

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Repetition_GetsTheFirstReply()
    {
        await _fixture.AddAsync("a", 1, id: "x");
        await _fixture.AddAsync("a", 10);

        Assert.Equal(new Total { Value = 1 }, (await _fixture.AddAsync("a", 1, id: "x")).Reply);
        Assert.Equal(11, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task RepetitionWhileTheFirstIsBeingStored_WaitsForItsReply()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.HoldAppends();

        var twice = new[] { _fixture.AddAsync("a", 1, id: "x"), _fixture.AddAsync("a", 1, id: "x") };
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(twice, task => task.IsCompleted);
        _fixture.Store.ReleaseAppends();

        Assert.All(await Task.WhenAll(twice), outcome => Assert.Equal(new Total { Value = 2 }, outcome.Reply));
        Assert.Equal(2, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task RepetitionAfterPassivation_GetsTheFirstReply()
    {
        await _fixture.AddAsync("a", 1, id: "x");
        await _fixture.QuietAsync();
        _fixture.Time.Advance(TimeSpan.FromHours(1));
        _fixture.Counters.PassivateIdle();
        Assert.Equal(0, _fixture.Counters.Count);

        Assert.Equal(new Total { Value = 1 }, (await _fixture.AddAsync("a", 1, id: "x")).Reply);
        Assert.Single(_fixture.Store.EventsOf(RuntimeFixture.KeyOf("a")));
    }

    [Fact]
    public async Task RepeatedRejection_GetsTheFirstRejection()
    {
        await _fixture.AddAsync("a", 1, "fail-after-emit", id: "x");

        var again = await _fixture.AddAsync("a", 1, "fail-after-emit", id: "x");

        Assert.Equal(new Status(StatusCode.FailedPrecondition, "Too late."), again.Status);
        Assert.Equal(0, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task FailedCommand_MayBeRepeated()
    {
        _fixture.Store.LoadFailure = new StoreUnavailableException("Gone.");
        await _fixture.AddAsync("a", 1, id: "x");
        _fixture.Store.LoadFailure = null;

        Assert.Equal(new Total { Value = 1 }, (await _fixture.AddAsync("a", 1, id: "x")).Reply);
    }

    [Fact]
    public async Task OtherCommandUnderAUsedId_IsInvalidArgument()
    {
        await _fixture.AddAsync("a", 1, id: "x");

        Assert.Equal(StatusCode.InvalidArgument, (await _fixture.AddAsync("a", 2, id: "x")).Status.StatusCode);
        Assert.Equal(1, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task IdThatMemoryHasNoRoomFor_GetsTheFirstReply()
    {
        await _fixture.AddAsync("a", 1, id: "x");
        for (var other = 0; other < 20; other++)
        {
            await _fixture.AddAsync("a", 1, id: $"{other}");
        }

        Assert.Equal(new Total { Value = 1 }, (await _fixture.AddAsync("a", 1, id: "x")).Reply);
        Assert.Equal(StatusCode.InvalidArgument, (await _fixture.AddAsync("a", 2, id: "x")).Status.StatusCode);
        Assert.Equal(21, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task IdThatIsNoLongerKept_IsANewCommand_EvenBeforeItsRecordIsRemoved()
    {
        await _fixture.AddAsync("a", 1, id: "x");
        _fixture.Time.Advance(TimeSpan.FromHours(25));

        Assert.Equal(new Total { Value = 3 }, (await _fixture.AddAsync("a", 2, id: "x")).Reply);
        Assert.Equal(new Total { Value = 3 }, (await _fixture.AddAsync("a", 2, id: "x")).Reply);
    }

    [Fact]
    public async Task MadeUpId_IsRecordedWithEvents()
    {
        var command = _fixture.Addition("a", 1);
        command.EnsureCommandId();

        await _fixture.ExecuteAsync(command);

        Assert.Equal(command.CommandId, Assert.Single(Assert.Single(Assert.Single(_fixture.Store.Batches)).Commands).CommandId);
        Assert.Equal(new Total { Value = 1 }, (await _fixture.ExecuteAsync(command)).Reply);
        Assert.Single(_fixture.Store.EventsOf(RuntimeFixture.KeyOf("a")));
    }

    [Theory]
    [InlineData("fail", StatusCode.OutOfRange)]
    [InlineData("fail-after-emit", StatusCode.FailedPrecondition)]
    public async Task MadeUpIdOfARejection_IsNotRecorded(string behaviour, StatusCode status)
    {
        var command = _fixture.Addition("a", 1, behaviour);
        command.EnsureCommandId();

        Assert.Equal(status, (await _fixture.ExecuteAsync(command)).Status.StatusCode);
        Assert.Empty(_fixture.Store.Batches);
    }

    [Fact]
    public async Task MadeUpIdOfARead_IsNotRecorded()
    {
        var (madeUp, given) = (_fixture.Question("a"), _fixture.Question("a"));
        madeUp.EnsureCommandId();
        given.CommandId = "x";

        await _fixture.ExecuteAsync(madeUp);
        Assert.Empty(_fixture.Store.Batches);
        await _fixture.ExecuteAsync(given);
        Assert.Equal("x", Assert.Single(Assert.Single(Assert.Single(_fixture.Store.Batches)).Commands).CommandId);
    }

    [Fact]
    public void GivenId_IsKept()
    {
        var command = _fixture.Addition("a", 1, id: "x");

        command.EnsureCommandId();

        Assert.Equal(("x", false), (command.CommandId, command.HasGeneratedId));
    }

    [Fact]
    public void Ids_AreForgottenByCountAndByAge()
    {
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var ids = new RecentCommandIds(maxCount: 2, TimeSpan.FromHours(1));
        ids.Add("a", start);
        ids.Add("b", start.AddMinutes(1));
        ids.Add("c", start.AddMinutes(2));

        Assert.False(ids.MayContain("a", start.AddMinutes(2)));
        Assert.True(ids.MayContain("b", start.AddMinutes(61)));
        Assert.False(ids.MayContain("b", start.AddMinutes(61).AddTicks(1)));
        Assert.True(ids.MayContain("c", start.AddMinutes(62)));
    }
}
