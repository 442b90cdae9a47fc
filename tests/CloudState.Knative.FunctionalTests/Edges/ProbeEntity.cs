using CloudState.Knative.Entities;
using CloudState.Knative.FunctionalTests.Hosting;
using CloudState.Knative.FunctionalTests.Probes;

namespace CloudState.Knative.FunctionalTests.Edges;

/// <summary>Can be made to crash, and echoes a message with a field of every kind.</summary>
/// <remarks>Its tests are one xUnit collection, so that what is measured of it in this process comes from one test at a time.</remarks>
[EventSourcedEntity<Probe.ProbeBase>(EntityType)]
public sealed class ProbeEntity : EventSourcedEntity<Total>
{
    public const string EntityType = "probe";

    public const string Secret = "the message of the exception";

    public Total Add(AddAmount command, CommandContext context)
    {
        context.Emit(new Added { Amount = command.Amount });
        return command.Crash ? throw new InvalidOperationException(Secret) : State;
    }

    public Everything Echo(Everything command) => command;

    public void Apply(Added added) => State.Amount += added.Amount;

    internal static Task<TestService> StartServiceAsync() => TestService.StartAsync(more: cloudState => cloudState.AddEntity<ProbeEntity>());
}
