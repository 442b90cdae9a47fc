using CloudState.Knative.Entities;
using CloudState.Knative.Storage;
using CloudState.Knative.UnitTests.Protos;
using CloudState.Knative.UnitTests.Runtime;
using Grpc.Core;

namespace CloudState.Knative.UnitTests.Values;

public sealed class ValueEntityTests : IAsyncDisposable
{
    private readonly RuntimeFixture _fixture = new(
        EntityDefinitionReader.Read(typeof(ValueCounterEntity)), _ => new ValueCounterEntity(), options => options.Entities.TimeToLive = TimeSpan.FromMinutes(1));

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Update_StoresTheValueWithItsVersionAndExpiry()
    {
        await _fixture.AddAsync("c", 5);
        await _fixture.AddAsync("c", 2);

        var stored = Assert.IsType<ValueChange>(_fixture.Store.Batches[^1].Single().State);
        Assert.Equal(1, stored.ExpectedVersion);
        Assert.Equal(new StoredValue(2, new Total { Value = 7 }, _fixture.Time.GetUtcNow().AddMinutes(1)), stored.Value);
    }

    [Fact]
    public async Task SeveralUpdatesInOneTransaction_BecomeTheLast()
    {
        _fixture.Store.HoldAppends();
        var first = _fixture.AddAsync("c", 1);
        await _fixture.Store.AppendArrived.Task.WaitAsync(RuntimeFixture.Patience, TestContext.Current.CancellationToken);
        var later = new[] { _fixture.AddAsync("c", 2), _fixture.AddAsync("c", 3) };

        _fixture.Store.ReleaseAppends();
        await Task.WhenAll([first, .. later]);

        var merged = Assert.IsType<ValueChange>(_fixture.Store.Batches[^1].Single().State);
        Assert.Equal((1, 3), (merged.ExpectedVersion, merged.NewVersion));
        Assert.Equal(new Total { Value = 6 }, merged.Value?.State);
    }

    [Fact]
    public async Task ExpiredValue_IsAsNewInMemoryAndAfterALoad()
    {
        await _fixture.AddAsync("c", 5);
        _fixture.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(5, await _fixture.TotalAsync("c"));

        _fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, await _fixture.TotalAsync("c"));

        await _fixture.AddAsync("d", 5);
        await _fixture.QuietAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(5));
        while (_fixture.Counters.Count > 0)
        {
            _fixture.Counters.PassivateIdle();
        }

        Assert.Equal(0, await _fixture.TotalAsync("d"));
        await _fixture.AddAsync("d", 2);
        Assert.Equal(2, await _fixture.TotalAsync("d"));
    }

    [Fact]
    public async Task SomebodyElsesUpdate_IsSeenAndNotOverwritten()
    {
        await _fixture.AddAsync("c", 5);
        _fixture.Store.WriteValueBehindTheBack(RuntimeFixture.KeyOf("c"), new Total { Value = 100 });

        await _fixture.AddAsync("c", 1);

        Assert.Equal(101, await _fixture.TotalAsync("c"));
    }

    [Fact]
    public async Task Deletion_KeepsTheVersionGoing()
    {
        await _fixture.AddAsync("c", 5);
        await _fixture.AddAsync("c", 0, "delete");
        await _fixture.AddAsync("c", 2);

        Assert.Equal([1L, 2, 3], _fixture.Store.Batches.Select(batch => batch.Single().State.NewVersion));
        Assert.Null(Assert.IsType<ValueChange>(_fixture.Store.Batches[1].Single().State).Value!.State);
        Assert.Equal(2, await _fixture.TotalAsync("c"));
    }

    [Fact]
    public async Task EmittingAnEvent_FailsTheCommand()
    {
        var outcome = await _fixture.AddAsync("c", 5, "emit");

        Assert.Equal(StatusCode.Internal, outcome.Status.StatusCode);
        Assert.Equal(0, await _fixture.TotalAsync("c"));
    }
}
