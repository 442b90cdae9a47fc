using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Kestrel;

/// <summary>
/// Notices when the process has no file descriptors left. Then the operating system keeps new connections waiting, and neither Kestrel nor their
/// clients hear why. Logs once per change.
/// </summary>
internal sealed partial class OpenFiles(TimeProvider time, ILogger<OpenFiles> logger) : BackgroundService
{
    private const string AnyFile = "/dev/null";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private bool _isOut;

    /// <summary>Checks once.</summary>
    /// <param name="isOut">Whether the process has no file descriptors left.</param>
    public void Report(bool isOut)
    {
        if (isOut && !_isOut)
        {
            LogOut();
        }
        else if (!isOut && _isOut)
        {
            LogBack();
        }

        _isOut = isOut;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (File.Exists(AnyFile) && await timer.WaitForNextTickAsync(stoppingToken))
            {
                Report(!CanOpen());
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private static bool CanOpen()
    {
        try
        {
            File.OpenHandle(AnyFile).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LoggerMessage(92, LogLevel.Error, "The process has no file descriptors left: new connections wait. Raise its limit (ulimit -n), or lower CloudState:MaxConnections.", EventName = "FileDescriptorsOut")]
    private partial void LogOut();

    [LoggerMessage(93, LogLevel.Information, "There are file descriptors again.", EventName = "FileDescriptorsBack")]
    private partial void LogBack();
}
