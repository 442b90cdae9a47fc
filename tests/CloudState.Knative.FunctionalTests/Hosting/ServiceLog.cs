using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CloudState.Knative.FunctionalTests.Hosting;

/// <summary>Collects the messages of a service; to be added to its services.</summary>
internal sealed class ServiceLog : ILoggerProvider
{
    private readonly ConcurrentQueue<(string? Event, string Message)> _entries = new();

    /// <summary>What was logged as an event of this name.</summary>
    public IReadOnlyList<string> Of(string eventName) => [.. _entries.Where(entry => entry.Event == eventName).Select(entry => entry.Message)];

    public ILogger CreateLogger(string categoryName) => new Logger(_entries);

    public void Dispose()
    {
    }

    private sealed class Logger(ConcurrentQueue<(string?, string)> entries) : ILogger
    {
        public IDisposable BeginScope<TState>(TState state) where TState : notnull => NullLogger.Instance.BeginScope(state)!;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            entries.Enqueue((eventId.Name, formatter(state, exception)));
    }
}
