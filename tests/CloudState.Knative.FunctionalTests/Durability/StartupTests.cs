using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Storage;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
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

        Assert.NotEqual(0, exitCode);
        Assert.Contains("ConnectionStrings__CloudState", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CloudState__CommandTimeout", "00:00:00", "CloudState:CommandTimeout is 00:00:00")]
    [InlineData("CloudState__Entities__MailboxSize", "0", "CloudState:Entities:MailboxSize is 0")]
    [InlineData("CloudState__Store", "mongo", "The store 'mongo' is not registered")]
    [InlineData("PORT", "http", "PORT is 'http'")]
    [InlineData("ConnectionStrings__CloudState", "garbage", "The PostgreSQL connection string cannot be read")]
    public async Task WrongSetting_IsNamed(string key, string value, string message)
    {
        var (exitCode, output) = await ServiceProcess.RunAsync([], ("CloudState__Sqlite__Path", ":memory:"), (key, value));

        Assert.NotEqual(0, exitCode);
        Assert.Contains(message, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondProcessOnTheSameFile_RefusesToStart()
    {
        var file = ("CloudState__Sqlite__Path", Path.Combine(_folder, "carts.db"));
        await using var first = await ServiceProcess.StartAsync(file);

        var (exitCode, output) = await ServiceProcess.RunAsync([], file);

        Assert.NotEqual(0, exitCode);
        Assert.Contains("carts.db", output, StringComparison.Ordinal);
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
            Assert.Contains("--migrate", await (await early.Http.GetAsync("/carts/a")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
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
    public async Task SchemaSql_IsPrinted()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(["--schema-sql"], ("ConnectionStrings__CloudState", "Host=nowhere"));

        Assert.Equal(0, exitCode);
        Assert.Contains("mt_events", output, StringComparison.Ordinal);
        Assert.Contains("cloudstate_commands", output, StringComparison.Ordinal);
    }
}
