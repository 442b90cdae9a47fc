using System.Net;
using CloudState.Knative.FunctionalTests.Deployment;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>The start-up modes and refusals of the sample, in processes of their own.</summary>
public sealed class StartupTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cloudstate").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task OnKnativeWithoutConnectionString_Refuses()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync([], ("K_SERVICE", "shopping-cart"));

        AssertRefused(exitCode, output, "ConnectionStrings__CloudState");
    }

    [Theory]
    [InlineData("CloudState__CommandTimeout", "00:00:00", "CloudState:CommandTimeout is 00:00:00")]
    [InlineData("CloudState__Entities__MailboxSize", "0", "CloudState:Entities:MailboxSize is 0")]
    [InlineData("CloudState__Store", "mongo", "The store 'mongo' is not registered")]
    [InlineData("PORT", "http", "PORT is 'http'")]
    [InlineData("ConnectionStrings__CloudState", "garbage", "The PostgreSQL connection string cannot be read")]
    [InlineData("CloudState__CommandTimeout", "soon", "CloudState:CommandTimeout")]
    [InlineData("CloudState__Sqlite__BusyTimeout", "soon", "CloudState:Sqlite:BusyTimeout")]
    [InlineData("CloudState__Sqlite__Path", "/proc/none/carts.db", "/proc/none/carts.db")]
    public async Task WrongSetting_IsNamed(string key, string value, string message)
    {
        var (exitCode, output) = await ServiceProcess.RunAsync([], ("CloudState__Sqlite__Path", ":memory:"), (key, value));

        AssertRefused(exitCode, output, message);
    }

    [Fact]
    public async Task TopicWithoutASink_IsNamed()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(Samples.Find("carts"), [], [("CloudState__Sqlite__Path", ":memory:")]);

        AssertRefused(exitCode, output, "Nothing says where events of the topic 'orders' go.");
    }

    [Fact]
    public async Task FailureOfCode_KeepsItsStackTrace_AndIsNoAbort()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync([], ("Logging__LogLevel__Default", "nonsense"));

        Assert.Equal(1, exitCode);
        Assert.Contains("System.InvalidOperationException: Configuration value 'nonsense' is not supported.", output, StringComparison.Ordinal);
        Assert.Contains("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddressesOfTheImage_AreNotComplainedAbout()
    {
        await using var service = await ServiceProcess.StartAsync(("CloudState__Sqlite__Path", ":memory:"), ("ASPNETCORE_HTTP_PORTS", "8080"));

        Assert.DoesNotContain("Overriding", service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondProcessOnTheSameFile_RefusesToStart()
    {
        var file = ("CloudState__Sqlite__Path", Path.Combine(_folder, "carts.db"));
        await using var first = await ServiceProcess.StartAsync(file);

        var (exitCode, output) = await ServiceProcess.RunAsync([], file);

        AssertRefused(exitCode, output, "carts.db");
        Assert.Contains("another process", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Terminated_ExitsWithZero()
    {
        await using var service = await ServiceProcess.StartAsync(("CloudState__Sqlite__Path", Path.Combine(_folder, "carts.db")));
        await service.Carts.AddItemAsync(new ShoppingCart.Api.AddLineItem { UserId = "a", ProductId = "p", Quantity = 1 });

        Assert.Equal(0, await service.TerminateAsync());
    }

    [Fact]
    public async Task ServicesForTools_AreServed()
    {
        await using var service = await ServiceProcess.StartAsync(("CloudState__Sqlite__Path", Path.Combine(_folder, "carts.db")));
        using var reflection = new ServerReflection.ServerReflectionClient(service.Channel).ServerReflectionInfo();

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await new Health.HealthClient(service.Channel).CheckAsync(new HealthCheckRequest())).Status);
        await reflection.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = "com.example.shoppingcart.ShoppingCart" });
        Assert.True(await reflection.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.NotEmpty(reflection.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
    }

    [Fact]
    public async Task Migrate_CreatesTheSchemaThatTheServiceThenNeeds()
    {
        var schema = new PostgresSchema();
        await schema.QueryAsync<object>($"create schema {schema.Name}");
        (string, string)[] settings = [("ConnectionStrings__CloudState", PostgresSchema.ConnectionString), ("CloudState__Marten__SchemaName", schema.Name)];

        await using (var early = await ServiceProcess.StartAsync(settings))
        {
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, (await early.Http.GetAsync("/carts/a")).StatusCode);
            await early.PrintedAsync("--migrate");
        }

        var (exitCode, output) = await ServiceProcess.RunAsync(["--migrate"], settings);
        Assert.True(exitCode == 0, output);
        await using (var service = await ServiceProcess.StartAsync(settings))
        {
            Assert.Equal("""{"items":[]}""", await service.Http.GetStringAsync("/carts/a"));
        }

        await schema.DisposeAsync();
    }

    [Fact]
    public async Task Migrate_WaitsForTheDatabase_AndSaysSo()
    {
        await using var schema = new PostgresSchema();
        var database = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        await using var proxy = new TcpProxy(new IPEndPoint((await Dns.GetHostAddressesAsync(database.Host!))[0], database.Port));
        await proxy.CutAsync();
        (database.Host, database.Port) = ("127.0.0.1", proxy.Port);
        await using var job = ServiceProcess.Start(
            sample: null, ["--migrate"], ("ConnectionStrings__CloudState", database.ConnectionString), ("CloudState__Marten__SchemaName", schema.Name));

        await job.PrintedAsync("Waiting for the store, for up to 00:03:00 (CloudState__MigrateTimeout): ");
        proxy.Restore();

        Assert.Equal(0, await job.ExitCodeAsync());
        Assert.Contains("The schema has been created or upgraded.", job.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_EndsWhenTheDatabaseDoesNotCome()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(
            ["--migrate"], ("ConnectionStrings__CloudState", "Host=127.0.0.1;Port=9;Timeout=1"), ("CloudState__MigrateTimeout", "00:00:00.3"));

        AssertRefused(exitCode, output, "The schema could not be migrated within 00:00:00.3000000: PostgreSQL cannot be reached");
    }

    [Theory]
    [InlineData("a role that does not exist", "nobody_here", "", "28000")]
    [InlineData("a database that does not exist", "", "nothing_here", "3D000")]
    [InlineData("a role without privileges", "without_privileges", "", "lacks a privilege")]
    public async Task Migrate_DoesNotWaitForWhatWaitingDoesNotCure(string what, string role, string name, string why)
    {
        await using var schema = new PostgresSchema();
        if (role == "without_privileges")
        {
            role = schema.Name;
            await schema.QueryAsync<object>($"create role {role} login");
        }

        var database = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        (database.Username, database.Database) = (role.Length > 0 ? role : database.Username, name.Length > 0 ? name : database.Database);
        try
        {
            var (exitCode, output) = await ServiceProcess.RunAsync(
                ["--migrate"], ("ConnectionStrings__CloudState", database.ConnectionString), ("CloudState__Marten__SchemaName", schema.Name));

            AssertRefused(exitCode, output, "The schema could not be migrated: ");
            Assert.True(output.Contains(why, StringComparison.Ordinal), $"{what}: {output}");
            Assert.DoesNotContain("Waiting", output, StringComparison.Ordinal);
        }
        finally
        {
            await schema.QueryAsync<object>($"drop role if exists {schema.Name}");
        }
    }

    [Theory]
    [InlineData("wrong password", "28P01")]
    [InlineData(null, "No password has been provided")]
    public async Task Migrate_DoesNotWaitForAPassword(string? password, string reason)
    {
        await using var server = new RefusingPostgres();
        var connection = $"Host=127.0.0.1;Port={server.Port};Username=app;Database=app;SSL Mode=Disable" + (password is null ? "" : $";Password={password}");

        var (exitCode, output) = await ServiceProcess.RunAsync(["--migrate"], ("ConnectionStrings__CloudState", connection));

        AssertRefused(exitCode, output, reason);
        Assert.DoesNotContain("Waiting", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SchemaSql_IsPrinted()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(["--schema-sql"], ("ConnectionStrings__CloudState", "Host=nowhere"));

        Assert.Equal(0, exitCode);
        Assert.Contains("mt_events", output, StringComparison.Ordinal);
        Assert.Contains("cloudstate_commands", output, StringComparison.Ordinal);
    }

    /// <summary>A sentence, the exit code 1, and neither a stack trace nor an abort.</summary>
    private static void AssertRefused(int exitCode, string output, string sentence)
    {
        Assert.True(exitCode == 1, $"{exitCode}: {output}");
        Assert.Contains(sentence, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }
}
