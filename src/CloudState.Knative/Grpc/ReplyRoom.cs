using CloudState.Knative.Calls;
using CloudState.Knative.Memory;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CloudState.Knative.Grpc;

/// <summary>Reserves memory for a reply until it has left. A client that does not read keeps it in memory.</summary>
internal static class ReplyRoom
{
    /// <summary>The outcome of a call whose reply finds no room.</summary>
    public static readonly CallOutcome NoRoom = CallOutcome.Failed(StatusCode.ResourceExhausted, "Too many large replies are on their way to their clients. Try again later.");

    // Its bytes, its JSON, and what is buffered.
    private const long Copies = 3;

    /// <summary>Whether there is room for a reply.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="size">Of the reply, in bytes.</param>
    /// <param name="http">The call.</param>
    public static bool TryReserve(this MemoryLimit memory, int size, HttpContext http)
    {
        var reserved = memory.Reserve(size * Copies);
        if (reserved > 0)
        {
            http.Response.OnCompleted(() =>
            {
                memory.Release(reserved);
                return Task.CompletedTask;
            });
        }

        return reserved >= 0;
    }
}
