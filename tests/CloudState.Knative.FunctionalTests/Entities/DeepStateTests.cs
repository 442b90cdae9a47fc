using System.Net;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Nests;
using CloudState.Knative.FunctionalTests.Routing;
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

    [Fact]
    public async Task ReplyThatIsTooDeepForJson_SaysSo()
    {
        await using var service = await TestService.StartHostAsync(cloudState => cloudState.AddEntity<NestEntity>());

        // A query is for JSON transcoding. Each nest is an object.
        var deepest = Nest.Parser.ParseJson(await service.Http1.GetStringAsync("/nests/a?levels=62", Pods.Cancellation));
        Assert.Equal(62, deepest.Depth);
        using var refused = await service.Http1.GetAsync("/nests/a?levels=63", Pods.Cancellation);

        Assert.Equal(HttpStatusCode.InternalServerError, refused.StatusCode);
        Assert.Contains(
            "cloudstate.tests.nest.Nests/Show has run, but its reply cannot be written as JSON. It has more than 63 objects and lists in one another. gRPC can carry it.",
            await refused.Content.ReadAsStringAsync(Pods.Cancellation), StringComparison.Ordinal);
        Assert.Equal(63, (await new Nests.Nests.NestsClient(service.Channel).ShowAsync(new Deepening { Id = "a", Levels = 63 })).Depth);
    }

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
