using CloudState.Knative.Marten.Connection;
using CloudState.Knative.Marten.Load;
using CloudState.Knative.Storage;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Storage;

public sealed class EntityReaderTests(PostgresSchema schema) : IClassFixture<PostgresSchema>
{
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Statements_AreNotPlannedForEachCall(int entities)
    {
        var settings = PostgresConnection.WithDefaults(PostgresSchema.ConnectionString);
        await using var oneConnection = PostgresConnection.DataSource(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { MinPoolSize = 0, MaxPoolSize = 1 });
        var reader = new EntityReader(oneConnection, schema.Name);
        var requests = Enumerable.Range(0, entities).Select(number => new EntityRequest($"nobody/{number}", new CommandIdWindow(10, DateTimeOffset.UnixEpoch))).ToArray();

        for (var read = 0; read < 15; read++)
        {
            await reader.ReadStreamsAsync(requests, withEvents: true);
            await reader.ReadStreamsAsync(requests, withEvents: false);
            await reader.ReadValuesAsync(requests);
            await reader.ReadReplicasAsync(requests);
        }

        // PostgreSQL plans the first five calls of a prepared statement, and goes on doing so when that looks cheaper than the plan for all.
        await using var plans = oneConnection.CreateCommand("select count(*) filter (where generic_plans > 0)::int, count(*)::int from pg_prepared_statements where statement like '%nest((select%'");
        await using var row = await plans.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        Assert.True(await row.ReadAsync(TestContext.Current.CancellationToken));
        Assert.Equal((5, 5), (row.GetInt32(0), row.GetInt32(1)));
    }
}
