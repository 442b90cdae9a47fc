using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Nests;
using CloudState.Knative.FunctionalTests.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Entities;

/// <summary>A state for which no snapshot can be stored.</summary>
public sealed class DeepStateTests(PostgresSchema schema, TemporaryFolder folder) : IClassFixture<PostgresSchema>, IClassFixture<TemporaryFolder>
{
    [Fact]
    public Task OnPostgres_LivesByItsEvents() => LivesByItsEvents(
        ("ConnectionStrings:CloudState", PostgresSchema.ConnectionString), ("CloudState:Marten:SchemaName", schema.Name));

    [Fact]
    public Task OnSqlite_LivesByItsEvents() => LivesByItsEvents(("CloudState:Sqlite:Path", Path.Combine(folder.Path, "nests.db")));

    private static async Task LivesByItsEvents(params (string, string)[] settings)
    {
        using var log = new ServiceLog();
        await using (var service = await StartAsync(log, settings))
        {
            foreach (var depth in (int[])[60, 120, 180, 240])
            {
                Assert.Equal(depth, await DeepenAsync(service));
            }

            Assert.Equal(2, log.Of("NoSnapshot").Count);
        }

        await using var next = await StartAsync(log, settings);
        Assert.Equal(300, await DeepenAsync(next));
    }

    private static Task<TestService> StartAsync(ServiceLog log, (string, string)[] settings) => TestService.StartHostAsync(
        cloudState =>
        {
            cloudState.AddEntity<NestEntity>();
            cloudState.Services.AddSingleton<ILoggerProvider>(log);
        },
        settings);

    private static async Task<int> DeepenAsync(TestService service) =>
        (await new Nests.Nests.NestsClient(service.Channel).DeepenAsync(new Deepening { Id = "a", Levels = 60 }, deadline: DateTime.UtcNow + TestService.Patience)).Levels;
}
