using System.Collections.Concurrent;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ShoppingCart;
using Xunit;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>
/// A service in this process, on real sockets: the shopping cart, unless a test brings another one. Disposing it fails when it logged an error that the test did not announce with
/// <see cref="ExpectErrors"/>.
/// </summary>
internal sealed class TestService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ErrorLog _errors;
    private bool _expectErrors;

    private TestService(WebApplication app, ErrorLog errors)
    {
        _app = app;
        _errors = errors;
        var port = new Uri(app.Urls.First(url => !url.Contains("the-same-port", StringComparison.Ordinal)).Replace("[::]", "localhost", StringComparison.Ordinal)).Port;
        Address = new Uri($"http://localhost:{port}");
        Http1 = new HttpClient { BaseAddress = Address, Timeout = Patience };
        Http2 = new HttpClient { BaseAddress = Address, Timeout = Patience, DefaultRequestVersion = new Version(2, 0), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        Channel = GrpcChannel.ForAddress(Address);
        Carts = new ShoppingCart.Api.ShoppingCart.ShoppingCartClient(Channel);
    }

    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    public Uri Address { get; }

    public HttpClient Http1 { get; }

    public HttpClient Http2 { get; }

    public GrpcChannel Channel { get; }

    public ShoppingCart.Api.ShoppingCart.ShoppingCartClient Carts { get; }

    public IServiceProvider Services => _app.Services;

    public static Task<TestService> StartAsync(
        Action<EntityOptions>? entities = null, Action<CloudStateBuilder>? more = null, params (string Key, string Value)[] settings) =>
        StartHostAsync(
            cloudState =>
            {
                cloudState.AddEntity<ShoppingCartEntity>(entities);
                more?.Invoke(cloudState);
            },
            settings);

    /// <summary>Starts a service without the shopping cart.</summary>
    public static Task<TestService> StartHostAsync(Action<CloudStateBuilder> addEntities, params (string Key, string Value)[] settings) => StartHostAsync(
        addEntities,
        app =>
        {
            app.UseCloudState();
            app.MapCloudState();
        },
        settings);

    /// <summary>Starts a service with middleware and endpoints of the test.</summary>
    public static async Task<TestService> StartHostAsync(Action<CloudStateBuilder> addEntities, Action<WebApplication> map, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = settings.FirstOrDefault(setting => setting.Key == "environment").Value });
        builder.Configuration["PORT"] = "0";
        builder.Configuration["CloudState:Sqlite:Path"] = ":memory:";
        builder.Configuration["CloudState:ShutdownKeepAlive"] = "00:00:00.01";
        builder.Configuration["CloudState:Cluster:Port"] = "0";
        builder.Configuration["CloudState:Cluster:Address"] = "127.0.0.1";
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }

        var errors = new ErrorLog();
        builder.Logging.ClearProviders().AddProvider(errors);
        addEntities(builder.AddCloudState().UseMarten().UseSqlite().AddTelemetry());
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new TestService(app, errors);
    }

    /// <summary>What was logged as an error.</summary>
    public IReadOnlyCollection<string> Errors => _errors.Messages;

    public void ExpectErrors() => _expectErrors = true;

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        Http1.Dispose();
        Http2.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (!_expectErrors)
        {
            Assert.True(_errors.Messages.IsEmpty, string.Join("\n", _errors.Messages));
        }
    }

    private sealed class ErrorLog : ILoggerProvider
    {
        public ConcurrentQueue<string> Messages { get; } = new();

        public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

        public void Dispose()
        {
        }

        private sealed class Logger(ErrorLog log, string category) : ILogger
        {
            public IDisposable BeginScope<TState>(TState state) where TState : notnull => NullLogger.Instance.BeginScope(state)!;

            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel))
                {
                    log.Messages.Enqueue($"{category}: {formatter(state, exception)} {exception}");
                }
            }
        }
    }
}
