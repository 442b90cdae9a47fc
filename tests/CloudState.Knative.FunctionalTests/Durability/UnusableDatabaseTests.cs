using System.Net;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Journal;
using CloudState.Knative.FunctionalTests.Storage;
using CloudState.Knative.Marten;
using CloudState.Knative.Marten.Store;
using CloudState.Knative.Protobuf;
using CloudState.Knative.Storage;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Durability;

/// <summary>
/// PostgreSQL answers, and refuses: privileges are missing, or the schema, or it takes no writes. Then the service is not ready, says once why, and goes on by itself when the
/// cause is gone; commands are UNAVAILABLE and deliveries wait.
/// </summary>
public sealed class UnusableDatabaseTests : IAsyncLifetime
{
    private readonly string _role = $"app_{Guid.NewGuid():N}";
    private readonly PostgresSchema _schema = new();
    private readonly ServiceLog _log = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string ConnectionString => new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString) { Username = _role }.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        await _schema.InitializeAsync();
        await RunAsync($"create role {_role} login");
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync($"drop owned by {_role}; drop role {_role}");
        await _schema.DisposeAsync();
    }

    [Fact]
    public async Task PrintedGrants_AreAllThatTheServiceNeeds()
    {
        await RunAsync(Grants());
        await using var shop = await StartAsync();
        await ReadyAsync(shop);
        var order = NewKey();

        await shop.PlaceAsync(order, product: order);
        await shop.Orders().RemindAsync(new RemindOrder { Order = order, Timer = "soon", Milliseconds = 1 });

        await shop.Events().UntilAsync(2, arrival => arrival.Handler is "Reserve" or "Expire soon");
        var store = shop.Services.GetRequiredService<IEntityStore>();
        await store.ForgetAsync(DateTimeOffset.UtcNow, Cancellation);
        await store.CheckWritesAsync(Cancellation);
        Assert.Empty(_log.Of("StoreDown"));
    }

    [Fact]
    public async Task TablesWithoutTheirSequences_AreNotReady_UntilTheyAreGranted()
    {
        await RunAsync($"grant usage on schema {_schema.Name} to {_role}; grant select, insert, update, delete on all tables in schema {_schema.Name} to {_role}");
        await using var shop = await StartAsync();

        // A command may find out before the check does, which knows all that is missing.
        do
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await shop.Http1.GetAsync("/health/readiness", Cancellation)).StatusCode);
        }
        while (_log.Of("StoreDown").Count == 0);

        var refused = await Assert.ThrowsAsync<RpcException>(() => shop.PlaceAsync(NewKey()));
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Matches(@"^The store is not available(; it is not known whether the command took effect)?\. Try again\.$", refused.Status.Detail);
        var why = Assert.Single(_log.Of("StoreDown"));
        Assert.Contains($"'{_role}' lacks privileges (select on {_schema.Name}.cloudstate_commands_number_seq", why, StringComparison.Ordinal);
        Assert.Contains($"--grants {_role}", why, StringComparison.Ordinal);

        await RunAsync(Grants());
        await ReadyAsync(shop);
        await shop.PlaceAsync(NewKey());
        Assert.Single(_log.Of("StoreDown"));
    }

    [Theory]
    [InlineData("insert on {0}.mt_events")]
    [InlineData("select on {0}.mt_streams")]
    [InlineData("usage on sequence {0}.mt_events_sequence")]
    [InlineData("usage on schema {0}")]
    public async Task PrivilegeRevokedUnderTraffic_IsNamedOnce_AndNothingIsLostOrParked(string privilege)
    {
        privilege = string.Format(null, privilege, _schema.Name);
        await RunAsync(Grants());
        await using var shop = await StartAsync();
        await ReadyAsync(shop);
        var order = NewKey();
        await shop.PlaceAsync(order, product: order);
        await shop.Events().UntilAsync(1, arrival => arrival.Handler == "Reserve");

        // While it is gone: commands, of entities in memory and others, a timer that falls due, and every connection is lost.
        await shop.Orders().RemindAsync(new RemindOrder { Order = order, Timer = "later", Milliseconds = 200 });
        await RunAsync($"revoke {privilege} from {_role}");
        await RunAsync($"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{_role}'");
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!_log.Of("StoreDown").Any(line => line.Contains("privilege", StringComparison.Ordinal)))
        {
            patience.Token.ThrowIfCancellationRequested();
            Assert.NotEqual(StatusCode.Internal, await StatusOfAsync(shop.PlaceAsync(order)));
            await Task.Yield();
        }

        for (var attempt = 0; attempt < 50; attempt++)
        {
            Assert.Equal(StatusCode.Unavailable, await StatusOfAsync(shop.PlaceAsync(attempt % 2 == 0 ? order : NewKey())));
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await shop.Http1.GetAsync("/health/readiness", Cancellation)).StatusCode);
        await RunAsync($"grant {privilege} to {_role}");

        await ReadyAsync(shop);
        await shop.PlaceAsync(order, product: order);
        await shop.Events().UntilAsync(1, arrival => arrival.Handler == "Expire later");
        Assert.Empty(await shop.Services.GetRequiredService<IEntityStore>().Parked.ReadAsync(10, Cancellation));

        // The connections that were lost, and then what is missing.
        Assert.InRange(_log.Of("StoreDown").Count, 1, 3);
        Assert.Empty(_log.Of("DeliveryFailed"));
    }

    /// <summary>Classes that this library does not know: the store is not usable as long as a write of it fails, even if it looks well.</summary>
    [Theory]
    [InlineData("55000")]
    [InlineData("0A000")]
    [InlineData("XX000")]
    [InlineData("58030")]
    [InlineData("53100")]
    [InlineData("57P04")]
    [InlineData("25006")]
    [InlineData("42501")]
    [InlineData("ZZ999")]
    public async Task RefusalOfEveryClass_IsUnavailable_AndPasses(string sqlState)
    {
        await RunAsync(Grants());
        await using var shop = await StartAsync();
        await ReadyAsync(shop);
        var order = NewKey();
        await shop.PlaceAsync(order);
        await RunAsync(
            $"""
            create function {_schema.Name}.refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = '{sqlState}', message = 'refused by the test'; end $$;
            create trigger refuse before insert on {_schema.Name}.mt_events for each row execute function {_schema.Name}.refuse()
            """);

        for (var attempt = 0; attempt < 20; attempt++)
        {
            Assert.Equal(StatusCode.Unavailable, await StatusOfAsync(shop.PlaceAsync(order)));
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await shop.Http1.GetAsync("/health/readiness", Cancellation)).StatusCode);
        await RunAsync($"drop trigger refuse on {_schema.Name}.mt_events");

        await ReadyAsync(shop);
        await shop.PlaceAsync(order);
        Assert.Single(_log.Of("StoreDown"));
    }

    /// <summary>A trigger or a constraint of the user's own refuses a command, and only that.</summary>
    [Theory]
    [InlineData("P0001")]
    [InlineData("23514")]
    public async Task RefusalOfTheUsersOwn_FailsTheCommand(string sqlState)
    {
        await RunAsync(Grants());
        await using var shop = await StartAsync();
        shop.ExpectErrors();
        await ReadyAsync(shop);
        var (order, refused) = (NewKey(), NewKey());
        await RunAsync(
            $"""
            create function {_schema.Name}.refuse() returns trigger language plpgsql as $$ begin
              if new.stream_id = 'order/{refused}' then raise exception using errcode = '{sqlState}'; end if; return new; end $$;
            create trigger refuse before insert on {_schema.Name}.mt_events for each row execute function {_schema.Name}.refuse()
            """);

        Assert.Equal(StatusCode.Internal, await StatusOfAsync(shop.PlaceAsync(refused)));
        await shop.PlaceAsync(order);
        Assert.Empty(_log.Of("StoreDown"));
    }

    [Fact]
    public async Task ReadOnlyDatabase_IsNotReady_AndSaysSoOnce()
    {
        await RunAsync($"{Grants()}; alter role {_role} set default_transaction_read_only = on");
        await using var shop = await StartAsync();

        for (var attempt = 0; attempt < 20; attempt++)
        {
            Assert.Equal(StatusCode.Unavailable, await StatusOfAsync(shop.PlaceAsync(NewKey())));
        }

        Assert.Contains("read-only", Assert.Single(_log.Of("StoreDown")), StringComparison.Ordinal);
        await RunAsync($"alter role {_role} reset default_transaction_read_only");
        await RunAsync($"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{_role}'");
        await ReadyAsync(shop);
        await shop.PlaceAsync(NewKey());
    }

    [Fact]
    public async Task MissingSchema_IsNotReady_AndGoesOnOnceItIsThere()
    {
        await _schema.QueryAsync<object>($"drop schema {_schema.Name} cascade");
        await using var shop = await StartAsync((("ConnectionStrings:CloudState", PostgresSchema.ConnectionString)));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await shop.Http1.GetAsync("/health/readiness", Cancellation)).StatusCode);
        Assert.Equal(StatusCode.Unavailable, await StatusOfAsync(shop.PlaceAsync(NewKey())));
        Assert.Contains("--migrate", Assert.Single(_log.Of("StoreDown")), StringComparison.Ordinal);
        await using (var migrating = Open())
        {
            await migrating.MigrateAsync(Cancellation);
        }

        await ReadyAsync(shop);
        await shop.PlaceAsync(NewKey());
        Assert.Single(_log.Of("StoreDown"));
    }

    [Fact]
    public async Task SeveralHosts_UseThePrimary_AndASingleOneMaySayThatItIsOne()
    {
        var settings = new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString);
        foreach (var connection in new[]
        {
            $"{PostgresSchema.ConnectionString};Target Session Attributes=primary",
            new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString) { Host = $"127.0.0.1:9,{settings.Host}:{settings.Port}", TargetSessionAttributes = "read-write" }.ConnectionString,
            new NpgsqlConnectionStringBuilder(PostgresSchema.ConnectionString) { Host = $"127.0.0.1:9,{settings.Host}:{settings.Port}" }.ConnectionString,
        })
        {
            await using var shop = await StartAsync(("ConnectionStrings:CloudState", connection));
            await ReadyAsync(shop);
            await shop.PlaceAsync(NewKey());
        }
    }

    [Fact]
    public async Task AttributesOfAStandby_AreRefusedAtStart()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            StartAsync(("ConnectionStrings:CloudState", $"{PostgresSchema.ConnectionString};Target Session Attributes=standby")));

        Assert.Contains("Set it to primary or read-write", refused.Message, StringComparison.Ordinal);
    }

    private Task<TestService> StartAsync(params (string, string)[] settings) => ShopService.StartAsync(
        cloudState =>
        {
            cloudState.Services.AddSingleton<ILoggerProvider>(_log);
            cloudState.AddEntity<StockEntity>();
        },
        [("ConnectionStrings:CloudState", ConnectionString), ("CloudState:Marten:SchemaName", _schema.Name), .. settings]);

    private static async Task ReadyAsync(TestService service)
    {
        using var patience = new CancellationTokenSource(TestService.Patience);
        while (!(await service.Http1.GetAsync("/health/readiness", patience.Token)).IsSuccessStatusCode)
        {
            await Task.Yield();
        }
    }

    private static async Task<StatusCode> StatusOfAsync(Task call)
    {
        try
        {
            await call;
            return StatusCode.OK;
        }
        catch (RpcException refused)
        {
            return refused.StatusCode;
        }
    }

    private MartenEntityStore Open() =>
        new(new MartenStoreOptions { ConnectionString = PostgresSchema.ConnectionString, SchemaName = _schema.Name }, new ClusterOptions(), new StoredTypes([OrderPlaced.Descriptor]));

    private string Grants()
    {
        var store = Open();
        return store.GrantsScript(_role);
    }

    private async Task RunAsync(string sql)
    {
        await using var command = _schema.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private static string NewKey() => Guid.NewGuid().ToString("N");
}
