namespace CloudState.Knative.Testing;

/// <summary>A test kit has found a fault: in the test, or in an entity that the stores could not keep.</summary>
public sealed class TestKitException : Exception
{
    internal TestKitException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
