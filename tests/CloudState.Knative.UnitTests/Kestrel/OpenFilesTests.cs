using CloudState.Knative.Kestrel;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CloudState.Knative.UnitTests.Kestrel;

public sealed class OpenFilesTests
{
    [Fact]
    public void EveryChange_IsLoggedOnce()
    {
        var log = new EventNames();
        using var files = new OpenFiles(new FakeTimeProvider(), log);

        foreach (var isOut in (bool[])[false, true, true, true, false, false, true])
        {
            files.Report(isOut);
        }

        Assert.Equal(["FileDescriptorsOut", "FileDescriptorsBack", "FileDescriptorsOut"], log.Events);
    }

    private sealed class EventNames : ILogger<OpenFiles>
    {
        public List<string?> Events { get; } = [];

        public IDisposable BeginScope<TState>(TState state)
            where TState : notnull => NullLogger.Instance.BeginScope(state)!;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Events.Add(eventId.Name);
    }
}
