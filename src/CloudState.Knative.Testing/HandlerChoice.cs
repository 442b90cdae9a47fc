using Google.Protobuf.Reflection;

namespace CloudState.Knative.Testing;

/// <summary>Finds the handler that a test means by the message that it passes.</summary>
internal static class HandlerChoice
{
    /// <param name="all">The handlers of the class.</param>
    /// <param name="rpcOf">The rpc of a handler.</param>
    /// <param name="fits">Whether a handler takes the message.</param>
    /// <param name="name">The name that the test has given; null when it has given none.</param>
    /// <param name="entityClass">The class, for messages.</param>
    /// <param name="wanted">What is to be handled, for messages.</param>
    /// <exception cref="TestKitException">There is none, or there are several.</exception>
    public static THandler Find<THandler>(
        IReadOnlyCollection<THandler> all, Func<THandler, MethodDescriptor> rpcOf, Func<THandler, bool> fits, string? name, Type entityClass, string wanted)
    {
        var fitting = all.Where(handler => (name is null || rpcOf(handler).Name == name) && fits(handler)).ToArray();
        return fitting switch
        {
            [var only] => only,
            [] => throw new TestKitException($"{entityClass.Name} has no handler {(name is null ? "" : $"{name} ")}for {wanted}. It has: {List(all)}."),
            [var first, ..] => throw new TestKitException(
                $"{entityClass.Name} has several handlers for {wanted}: {List(fitting)}. Name the one that is meant: handler: nameof({entityClass.Name}.{rpcOf(first).Name})"),
        };

        string List(IEnumerable<THandler> handlers) => string.Join(", ", handlers.Select(rpcOf).Select(rpc =>
            $"{rpc.Name}({StreamOf(rpc.IsClientStreaming)}{rpc.InputType.ClrType.Name}) -> {StreamOf(rpc.IsServerStreaming)}{rpc.OutputType.ClrType.Name}"));

        static string StreamOf(bool isStream) => isStream ? "stream " : "";
    }
}
