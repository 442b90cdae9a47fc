using Grpc.Core;

namespace CloudState.Knative.Calls;

/// <summary>Which failures say that the same call may work later.</summary>
internal static class TransientStatus
{
    public static bool IsTransient(this StatusCode code) => code
        is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.ResourceExhausted or StatusCode.Cancelled;
}
