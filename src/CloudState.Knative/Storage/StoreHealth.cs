using Microsoft.Extensions.Logging;

namespace CloudState.Knative.Storage;

/// <summary>Whether the store answers, as far as is known. Logs once per change.</summary>
internal sealed partial class StoreHealth(ILogger<StoreHealth> logger)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _down = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool? _isUp;
    private string _cause = "";

    public bool IsUp => _isUp == true;

    /// <summary>False also as long as it has not answered yet.</summary>
    public bool IsDown => _isUp == false;

    /// <summary>Completes when the store is down.</summary>
    public Task Down
    {
        get
        {
            lock (_lock)
            {
                return _down.Task;
            }
        }
    }

    public void ReportUp()
    {
        lock (_lock)
        {
            if (_isUp != true)
            {
                _isUp = true;
                _down = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                LogUp();
            }
        }
    }

    public void ReportDown(StoreUnavailableException reason)
    {
        lock (_lock)
        {
            if (_isUp != false)
            {
                _isUp = false;
                _cause = reason.Cause;
                LogDown(reason.Message);
                _down.TrySetResult();
            }
        }
    }

    /// <summary>The check that is repeated while the store is down has failed: by now maybe for another cause.</summary>
    public void ReportStillDown(StoreUnavailableException reason)
    {
        lock (_lock)
        {
            if (_isUp == false && _cause != reason.Cause)
            {
                _cause = reason.Cause;
                LogDown(reason.Message);
            }
        }

        ReportDown(reason);
    }

    [LoggerMessage(10, LogLevel.Information, "The store is available.", EventName = "StoreUp")]
    private partial void LogUp();

    [LoggerMessage(11, LogLevel.Warning, "The store is not available ({Reason}). Commands are answered with UNAVAILABLE; trying again.", EventName = "StoreDown")]
    private partial void LogDown(string reason);
}
