using CloudState.Knative.Faults.Checking;

namespace CloudState.Knative.UnitTests.Faults;

/// <summary>One value that is written and read; it is 0 at first.</summary>
internal sealed class RegisterModel : ISequentialModel<int, RegisterOperation>
{
    public int Initial => 0;

    public bool TryApply(int state, RegisterOperation operation, out int next)
    {
        next = operation.IsWrite ? operation.Value : state;
        return operation.IsWrite || operation.Value == state;
    }
}

internal readonly record struct RegisterOperation(bool IsWrite, int Value);
