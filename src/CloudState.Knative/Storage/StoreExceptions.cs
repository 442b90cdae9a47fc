namespace CloudState.Knative.Storage;

/// <summary>The store cannot be reached, answers too late or lacks its schema. Trying again later may help.</summary>
internal sealed class StoreUnavailableException(string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>Whether waiting alone does not help: a wrong password, a missing privilege, a database that does not exist.</summary>
    public bool NeedsOperator { get; init; }

    /// <summary>The kind of the cause: the same as long as only the words differ. Empty: it does not answer.</summary>
    public string Cause { get; init; } = "";
}

/// <summary>Another writer has changed an entity that this process believed to own. Nothing of the batch was written.</summary>
internal sealed class VersionConflictException(string message, Exception? innerException = null)
    : Exception(message, innerException);

/// <summary>The store cannot represent a key or a value, such as a NUL character in PostgreSQL. Nothing of the batch was written.</summary>
internal sealed class UnstorableDataException(string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    private string? _path;

    public override string Message => _path is null ? base.Message : $"{_path}: {base.Message}";

    /// <summary>The same, in a field of a message.</summary>
    public UnstorableDataException In(string field)
    {
        _path = _path is null ? field : $"{field}.{_path}";
        return this;
    }
}

/// <summary>A stream or snapshot holds what no message type of this service can read.</summary>
internal sealed class UnreadableEntityException(string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>Whether the store holds a name that this process has not learnt of: a newer revision may have recorded it meanwhile.</summary>
    public bool IsOfUnknownName { get; init; }
}

/// <summary>This process is not, or no longer, the member under whose ownership it acts. Nothing was written.</summary>
internal sealed class FencedException(string message, Exception? innerException = null)
    : Exception(message, innerException);
