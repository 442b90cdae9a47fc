using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Runtime;

public sealed class ActivationTests : IAsyncDisposable
{
    private readonly RuntimeFixture _fixture = new(options =>
    {
        options.Entities.SnapshotEvery = 3;
        options.Entities.MailboxSize = 5;
    });

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Command_StoresItsEventAndReplies()
    {
        var outcome = await _fixture.AddAsync("a", 5);

        Assert.Equal(new Total { Value = 5 }, outcome.Reply);
        Assert.Equal([new Added { Amount = 5 }], _fixture.Store.EventsOf(RuntimeFixture.KeyOf("a")));
    }

    [Fact]
    public async Task EmptyKey_IsInvalidArgument() =>
        Assert.Equal(StatusCode.InvalidArgument, (await _fixture.AddAsync("", 1)).Status.StatusCode);

    [Theory]
    [InlineData(513, 'a')]
    [InlineData(3, '\0')]
    public async Task KeyThatStoresCannotTake_IsInvalidArgument(int length, char character) =>
        Assert.Equal(StatusCode.InvalidArgument, (await _fixture.AddAsync(new string(character, length), 1)).Status.StatusCode);

    [Fact]
    public async Task Rejection_KeepsNoEvent()
    {
        var outcome = await _fixture.AddAsync("a", 5, "fail");

        Assert.Equal(new Status(StatusCode.OutOfRange, "Not today."), outcome.Status);
        Assert.Equal(0, await _fixture.TotalAsync("a"));
        Assert.Empty(_fixture.Store.EventsOf(RuntimeFixture.KeyOf("a")));
    }

    [Theory]
    [InlineData("fail-after-emit", StatusCode.FailedPrecondition)]
    [InlineData("throw", StatusCode.Internal)]
    [InlineData("throw-after-emit", StatusCode.Internal)]
    [InlineData("unhandled", StatusCode.Internal)]
    [InlineData("null", StatusCode.Internal)]
    public async Task FailureAfterEmit_LeavesTheStoredState(string behaviour, StatusCode status)
    {
        await _fixture.AddAsync("a", 1);

        var outcome = await _fixture.AddAsync("a", 10, behaviour);

        Assert.Equal(status, outcome.Status.StatusCode);
        Assert.DoesNotContain("secret", outcome.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(1, await _fixture.TotalAsync("a"));
        Assert.Equal(3, ((Total)(await _fixture.AddAsync("a", 2)).Reply!).Value);
    }

    [Fact]
    public async Task UnstoredState_IsNotSeen_UntilItIsStored()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.HoldAppends();

        var addition = _fixture.AddAsync("a", 2);
        var read = _fixture.ReadAsync("a");
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        var other = await _fixture.ReadAsync("b");

        Assert.True(other.IsReply);
        Assert.False(addition.IsCompleted);
        Assert.False(read.IsCompleted);
        _fixture.Store.ReleaseAppends();
        Assert.Equal(new Total { Value = 3 }, (await addition).Reply);
        Assert.Equal(new Total { Value = 3 }, (await read).Reply);
    }

    [Fact]
    public async Task ManyCommandsOfOneEntity_ShareATransaction()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.HoldAppends();
        var first = _fixture.AddAsync("b", 1);
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);

        var rest = Enumerable.Range(0, 4).Select(_ => _fixture.AddAsync("a", 1)).ToArray();
        await _fixture.ReadAsync("c");
        _fixture.Store.ReleaseAppends();
        await Task.WhenAll([first, .. rest]);

        Assert.Equal(5, await _fixture.TotalAsync("a"));
        Assert.Equal(5, _fixture.Store.EventsOf(RuntimeFixture.KeyOf("a")).Count);
        Assert.True(_fixture.Store.Batches.Count <= 6);
    }

    [Fact]
    public async Task SomebodyElseWrote_CommandsRunAgainOnTheStoredState()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.WriteBehindTheBack(RuntimeFixture.KeyOf("a"), new Added { Amount = 100 });

        var outcomes = await Task.WhenAll(_fixture.AddAsync("a", 2), _fixture.AddAsync("a", 3), _fixture.ReadAsync("a"));

        Assert.Equal([103, 106, 106], outcomes.Select(outcome => ((Total)outcome.Reply!).Value));
    }

    [Fact]
    public async Task SomebodyElseKeepsWriting_IsAborted()
    {
        _fixture.Store.BeforeAppend = batch => _fixture.Store.WriteBehindTheBack(batch[0].Entity, new Added { Amount = 1 });

        Assert.Equal(StatusCode.Aborted, (await _fixture.AddAsync("a", 2)).Status.StatusCode);
    }

    [Fact]
    public async Task StoreUnavailableWhileAppending_FailsAllThatDependsOnIt_AndRecovers()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.HoldAppends();
        _fixture.Store.BeforeAppend = _ => throw new StoreUnavailableException("Gone.");
        var lost = new[] { _fixture.AddAsync("a", 2), _fixture.AddAsync("a", 3), _fixture.ReadAsync("a") };
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        _fixture.Store.ReleaseAppends();

        Assert.All(await Task.WhenAll(lost), outcome => Assert.True(
            outcome.Status.StatusCode == StatusCode.Unavailable || outcome.Reply is Total { Value: 1 }));
        _fixture.Store.BeforeAppend = _ => { };
        Assert.Equal(1, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task StoreUnavailableWhileLoading_IsUnavailable_AndRecovers()
    {
        _fixture.Store.LoadFailure = new StoreUnavailableException("Gone.");
        Assert.Equal(StatusCode.Unavailable, (await _fixture.AddAsync("a", 1)).Status.StatusCode);

        _fixture.Store.LoadFailure = null;
        Assert.Equal(new Total { Value = 1 }, (await _fixture.AddAsync("a", 1)).Reply);
    }

    [Fact]
    public async Task OneUnstorableEvent_FailsAlone()
    {
        foreach (var counter in new[] { "a", "b", "c" })
        {
            await _fixture.AddAsync(counter, 1);
        }

        _fixture.Store.HoldAppends();
        _fixture.Store.BeforeAppend = batch =>
        {
            if (batch.SelectMany(append => ((EventsChange)append.State).Events).OfType<Added>().Any(added => added.Amount == 13))
            {
                throw new InvalidDataException("13 cannot be stored.");
            }
        };
        var first = _fixture.AddAsync("d", 1);
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        var commands = new[] { _fixture.AddAsync("a", 2), _fixture.AddAsync("b", 4), _fixture.AddAsync("b", 13), _fixture.AddAsync("b", 5), _fixture.AddAsync("c", 3) };
        _fixture.Store.ReleaseAppends();
        await first;
        var outcomes = await Task.WhenAll(commands);

        Assert.Equal(
            [StatusCode.OK, StatusCode.OK, StatusCode.Internal, StatusCode.OK, StatusCode.OK],
            outcomes.Select(outcome => outcome.Status.StatusCode));
        var totals = await Task.WhenAll(_fixture.TotalAsync("a"), _fixture.TotalAsync("b"), _fixture.TotalAsync("c"));
        Assert.Equal([3, 10, 4], totals);
    }

    [Fact]
    public async Task FullMailbox_IsResourceExhausted()
    {
        await _fixture.AddAsync("a", 1);
        _fixture.Store.HoldAppends();

        var waiting = Enumerable.Range(0, 5).Select(_ => _fixture.AddAsync("a", 1)).ToArray();
        var refused = await _fixture.AddAsync("a", 1);
        _fixture.Store.ReleaseAppends();

        Assert.Equal(StatusCode.ResourceExhausted, refused.Status.StatusCode);
        Assert.All(await Task.WhenAll(waiting), outcome => Assert.True(outcome.IsReply));
    }

    [Theory]
    [InlineData("wait")]
    [InlineData("wait-deaf")]
    public async Task HandlerBeyondItsTimeLimit_FailsAlone(string behaviour)
    {
        await _fixture.AddAsync("a", 1);

        var late = _fixture.AddAsync("a", 2, behaviour, timeout: TimeSpan.FromSeconds(3));
        var next = _fixture.AddAsync("a", 4, timeout: TimeSpan.FromHours(1));
        while (!next.IsCompleted)
        {
            await Task.Yield();
            _fixture.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(StatusCode.DeadlineExceeded, (await late).Status.StatusCode);
        Assert.Equal(new Total { Value = 5 }, (await next).Reply);
    }

    [Fact]
    public async Task CallerLeavesWhileQueued_CommandDoesNotRun()
    {
        await _fixture.AddAsync("a", 1);
        using var leave = new CancellationTokenSource();
        using var finish = new CancellationTokenSource();
        var running = _fixture.AddAsync("a", 2, "wait", cancelled: finish.Token);
        var queued = _fixture.AddAsync("a", 4, cancelled: leave.Token);

        await leave.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await queued).Status.StatusCode);
        await finish.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await running).Status.StatusCode);

        Assert.Equal(1, await _fixture.TotalAsync("a"));
    }

    [Fact]
    public async Task Snapshots_AreTakenEveryN_AndUsedByTheNextLoad()
    {
        for (var i = 0; i < 7; i++)
        {
            await _fixture.AddAsync("a", 1);
        }

        var snapshots = _fixture.Store.Batches.SelectMany(batch => batch).Select(append => ((EventsChange)append.State).Snapshot).OfType<StoredSnapshot>();
        Assert.Equal([3, 6], snapshots.Select(snapshot => snapshot.Version));
        Assert.Equal([3, 6], snapshots.Select(snapshot => ((Total)snapshot.State).Value));
        await _fixture.QuietAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(5));
        _fixture.Counters.PassivateIdle();
        Assert.Equal(7, await _fixture.TotalAsync("a"));
        Assert.Equal(2, _fixture.Store.Loads);
    }
}
