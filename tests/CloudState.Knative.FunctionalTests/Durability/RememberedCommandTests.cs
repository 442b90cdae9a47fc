using System.Globalization;
using CloudState.Knative.FunctionalTests.Edges;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Runtime;
using CloudState.Knative.Storage;
using CsCheck;
using Grpc.Core;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>
/// A command id is a repetition, which gets the first reply, or a new command; whatever memory and the store have forgotten of it. The same on both stores. A failure of the
/// property prints the seed (<c>CsCheck_Seed</c>) that repeats it.
/// </summary>
[Collection(ProbeEntity.EntityType)]
public abstract class RememberedCommandTests
{
    private const int Ids = 8;

    private static readonly Gen<Step> Steps = Gen.Frequency<Step>(
        (10, Gen.Select(Gen.Int[0, Ids - 1], Gen.Int[1, 2], Step (id, amount) => new Add(id, amount))),
        (3, Gen.Int[0, Ids - 1].Array[2, 12].Select(Step (ids) => new Burst(ids))),
        (2, Gen.Const<Step>(new Passivate())),
        (1, Gen.Const<Step>(new Restart())),
        (1, Gen.Const<Step>(new Forget())));

    private abstract record Step;

    private sealed record Add(int Id, int Amount) : Step;

    /// <summary>At the same time, with the amount 1.</summary>
    private sealed record Burst(int[] Ids) : Step;

    private sealed record Passivate : Step;

    private sealed record Restart : Step;

    /// <summary>The hourly removal of expired records.</summary>
    private sealed record Forget : Step;

    /// <summary>The settings of a store that outlives the service.</summary>
    private protected abstract (string Key, string Value)[] Settings { get; }

    [Fact]
    public Task EveryId_IsARepetitionOrNew() =>
        Gen.Select(Gen.Int[1, 10], Gen.Bool, Steps.Array[5, 30]).SampleAsync(run => RunAsync(run.Item1, isBrief: run.Item2, run.Item3), iter: 12, threads: 1);

    [Fact]
    public async Task IdThatLeftMemoryBeforeTheStore_GetsTheFirstReply()
    {
        await using var service = await StartAsync(1000, isBrief: false);
        var (probe, key) = (new Probe.ProbeClient(service.Channel), NewKey());
        var replies = new List<long>();
        foreach (var numbers in Enumerable.Range(1, 1000).Chunk(100))
        {
            replies.AddRange((await Task.WhenAll(numbers.Select(number => AddAsync(probe, key, $"{number}", 1)))).Select(added => added.Reply));
        }

        // Too few for the store to trim the first ones, which memory has no room for; unless the entity was loaded again meanwhile.
        for (var number = 1001; number <= 1050; number++)
        {
            replies.Add((await AddAsync(probe, key, $"{number}", 1)).Reply);
        }

        var store = service.Services.GetRequiredService<IEntityStore>();
        for (var number = 1; number <= 50; number++)
        {
            if (await store.FindCommandAsync(new EntityId(ProbeEntity.EntityType, key), $"key/{number}", TestContext.Current.CancellationToken) is not null)
            {
                Assert.Equal((StatusCode.OK, replies[number - 1]), await AddAsync(probe, key, $"{number}", 1));
            }
        }
    }

    [Fact]
    public async Task CommandOfAnEarlierRelease_IsRecognised()
    {
        var key = NewKey();
        Total first;
        await using (var service = await StartAsync(1000, isBrief: false))
        {
            first = await new Probe.ProbeClient(service.Channel).AddAsync(new AddAmount { Id = key, Amount = 3 }, IdOf("order-7"));
        }

        Assert.Equal(1, await ExecuteAsync("update {commands} set command_id = 'order-7' where command_id = 'key/order-7' and stream = 'probe/" + key + "'"));

        await using var next = await StartAsync(1000, isBrief: false);
        var probe = new Probe.ProbeClient(next.Channel);
        Assert.Equal(first, await probe.AddAsync(new AddAmount { Id = key, Amount = 3 }, IdOf("order-7")));
        Assert.Equal(new Total { Amount = 4 }, await probe.AddAsync(new AddAmount { Id = key, Amount = 1 }));
    }

    /// <summary>Runs a statement on the store while no service does; returns how many rows it has changed.</summary>
    private protected abstract Task<int> ExecuteAsync(string sql);

    private async Task RunAsync(int maxCommandIds, bool isBrief, Step[] steps)
    {
        var key = NewKey();
        var (total, replies, latest) = (0L, new Dictionary<(int, int), HashSet<long>>(), new List<(int Id, int Amount)>());
        var service = await StartAsync(maxCommandIds, isBrief);
        try
        {
            foreach (var step in steps)
            {
                var probe = new Probe.ProbeClient(service.Channel);
                switch (step)
                {
                    case Add add:
                        var (status, reply) = await AddAsync(probe, key, $"{add.Id}", add.Amount);
                        var known = replies.GetValueOrDefault((add.Id, add.Amount)) ?? [];
                        var isLatest = !isBrief && latest.TakeLast(maxCommandIds).Any(used => used.Id == add.Id);
                        if (status == StatusCode.InvalidArgument)
                        {
                            Assert.Contains((add.Id, 3 - add.Amount), replies.Keys);
                        }
                        else if (isLatest || reply != total + add.Amount)
                        {
                            Assert.Equal(StatusCode.OK, status);
                            Assert.Contains(reply, known);
                        }
                        else
                        {
                            Assert.Equal(StatusCode.OK, status);
                            total = reply;
                            latest.RemoveAll(used => used.Id == add.Id);
                            latest.Add((add.Id, add.Amount));
                            replies[(add.Id, add.Amount)] = [.. known, reply];
                        }

                        break;
                    case Burst burst:
                        var outcomes = await Task.WhenAll(burst.Ids.Select(async id => (Id: id, Outcome: await AddAsync(probe, key, $"{id}", 1))));
                        Assert.All(outcomes, sent => Assert.True(sent.Outcome.Status == StatusCode.OK || replies.ContainsKey((sent.Id, 2)), $"{sent}"));
                        foreach (var sent in outcomes.Where(sent => sent.Outcome.Status == StatusCode.OK))
                        {
                            replies[(sent.Id, 1)] = [.. replies.GetValueOrDefault((sent.Id, 1)) ?? [], sent.Outcome.Reply];
                        }

                        // Which of them came last is not known.
                        latest.Clear();
                        total = (await probe.AddAsync(new AddAmount { Id = key })).Amount;
                        break;
                    case Passivate:
                        var table = service.Services.GetRequiredService<EntityRuntime>().Tables.Single(table => table.Key == ProbeEntity.EntityType).Value;
                        while (table.Count > 0)
                        {
                            await Task.Yield();
                            table.PassivateIdle();
                        }

                        break;
                    case Restart:
                        await service.DisposeAsync();
                        service = await StartAsync(maxCommandIds, isBrief);
                        break;
                    case Forget:
                        var retention = isBrief ? TimeSpan.Zero : TimeSpan.FromDays(1);
                        await service.Services.GetRequiredService<IEntityStore>().ForgetAsync(DateTimeOffset.UtcNow - retention, TestContext.Current.CancellationToken);
                        break;
                }
            }

            Assert.Equal(total, (await new Probe.ProbeClient(service.Channel).AddAsync(new AddAmount { Id = key })).Amount);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    private Task<TestService> StartAsync(int maxCommandIds, bool isBrief) => TestService.StartAsync(
        entities => entities.PassivateAfter = TimeSpan.FromMilliseconds(10),
        cloudState => cloudState.AddEntity<ProbeEntity>(entities => entities.PassivateAfter = TimeSpan.FromMilliseconds(10)),
        [
            .. Settings,
            ("CloudState:MaxCommandIds", maxCommandIds.ToString(CultureInfo.InvariantCulture)),
            ("CloudState:CommandIdRetention", isBrief ? "00:00:00.01" : "1.00:00:00"),
        ]);

    /// <summary>As clients do, it tries again while the service is not available: on a busy machine it may lose its lease.</summary>
    private static async Task<(StatusCode Status, long Reply)> AddAsync(Probe.ProbeClient probe, string key, string id, int amount)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (true)
        {
            try
            {
                return (StatusCode.OK, (await probe.AddAsync(new AddAmount { Id = key, Amount = amount }, IdOf(id))).Amount);
            }
            catch (RpcException refused) when (refused.StatusCode != StatusCode.Unavailable || patience.IsCancellationRequested)
            {
                return (refused.StatusCode, 0);
            }
            catch (RpcException)
            {
                await Task.Yield();
            }
        }
    }

    private static Metadata IdOf(string id) => new() { { "idempotency-key", id } };

    private static string NewKey() => Guid.NewGuid().ToString("N");
}

public sealed class SqliteRememberedCommandTests : RememberedCommandTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "probes.db");

    private protected override (string Key, string Value)[] Settings => [("CloudState:Sqlite:Path", File)];

    public void Dispose() => _folder.Dispose();

    private protected override async Task<int> ExecuteAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={File};Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = sql.Replace("{commands}", "commands", StringComparison.Ordinal);
        return await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}

public sealed class MartenRememberedCommandTests(PostgresSchema schema) : RememberedCommandTests, IClassFixture<PostgresSchema>
{
    private protected override (string Key, string Value)[] Settings => Routing.Pods.Settings(schema);

    private protected override async Task<int> ExecuteAsync(string sql)
    {
        await using var command = schema.Database.CreateCommand(sql.Replace("{commands}", $"{schema.Name}.cloudstate_commands", StringComparison.Ordinal));
        return await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
