using System.Diagnostics;
using System.Globalization;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;
using Google.Api;
using Google.Protobuf;
using Grpc.Core;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Can be made to crash, and echoes a message with a field of every kind.</summary>
/// <remarks>Its tests are one xUnit collection, so that what is measured of it in this process comes from one test at a time.</remarks>
[EventSourcedEntity<Probe.ProbeBase>(EntityType)]
public sealed class ProbeEntity : EventSourcedEntity<Total>
{
    public const string EntityType = "probe";

    public static TaskCompletionSource Waiting { get; set; } = new();

    public static TaskCompletionSource Cancelled { get; set; } = new();

    /// <summary>The metadata of the last <see cref="Look"/>.</summary>
    public static CallMetadata LookedWith { get; private set; } = CallMetadata.Empty;

    private static int _watched;

    public const string Secret = "the message of the exception";

    public Total Add(AddAmount command, CommandContext context)
    {
        context.Emit(new Added { Amount = command.Amount });
        return command.Crash ? throw new InvalidOperationException(Secret) : State;
    }

    /// <summary>How often <see cref="Watch"/> has run.</summary>
    public static int Watched => Volatile.Read(ref _watched);

    public Total Watch(WatchProbe command, CommandContext context)
    {
        Interlocked.Increment(ref _watched);
        if (command.Limit > 0 && State.Amount >= command.Limit)
        {
            context.Fail($"The total is {State.Amount}.", StatusCode.OutOfRange);
        }

        return command.FactorFrom > 0 && State.Amount >= command.FactorFrom
            ? new Total { Amount = State.Amount * int.Parse(context.Metadata["x-factor"]!, CultureInfo.InvariantCulture) }
            : State;
    }

    public Total WatchBare(WatchProbe command, CommandContext context)
    {
        if (command.Join > 0 && (context.Stream.IsFirst || command.Spoil))
        {
            context.Emit(new Added { Amount = command.Join });
        }

        return Watch(command, context);
    }

    public Task WatchBareEnded(WatchProbe command, CommandContext context)
    {
        context.Emit(new Added { Amount = -command.Join });
        return Task.CompletedTask;
    }

    public async Task<Surroundings> Look(LookAround command, CommandContext context)
    {
        LookedWith = context.Metadata;
        var surroundings = new Surroundings { TraceId = Activity.Current?.TraceId.ToString() ?? "" };
        foreach (var group in context.Metadata.GroupBy(entry => entry.Key))
        {
            surroundings.Metadata.Add(group.Key, string.Join(',', group.Select(entry => entry.Value)));
        }

        if (command.Failure.Length > 0)
        {
            context.Fail(command.Failure, StatusCode.AlreadyExists);
        }

        if (command.Wait)
        {
            Waiting.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            finally
            {
                Cancelled.TrySetResult();
            }
        }

        return surroundings;
    }

    public Everything Echo(Everything command) => command;

    public Everything EchoBare(Everything command) => command;

    public Plain EchoPlainBare(Plain command, CommandContext context) => EchoPlain(command, context);

    public HttpBody Mirror(Attachment command) => command.Content ?? new HttpBody { ContentType = "text/plain", Data = ByteString.CopyFromUtf8("nothing") };

    public HttpBody MirrorBare(Attachment command) => Mirror(command);

    public Plain EchoPlain(Plain command, CommandContext context)
    {
        if (command.Failure.Length > 0)
        {
            context.Fail(command.Failure, StatusCode.AlreadyExists);
        }

        return command;
    }

    public void Apply(Added added) => State.Amount += added.Amount;

    internal static Task<TestService> StartServiceAsync(params (string Key, string Value)[] settings) =>
        TestService.StartAsync(more: cloudState => cloudState.AddEntity<ProbeEntity>(), settings: settings);
}
